"""What a person at the front desk does and hears, in the clinic of the fixture `console`."""

from playwright.sync_api import Page, expect

QUESTION = "How long until the bone cement hardens?"
SENTENCE = "The bone cement hardens in about 10 minutes."
UNCOVERED = "Does Medicare reimburse taxis?"
OF_STAFF = "Read the quoted sentence as it stands"


def asked(page: Page, question: str) -> None:
    page.keyboard.type(question)
    page.keyboard.press("Enter")


def answered(page: Page, question: str = QUESTION) -> None:
    asked(page, question)
    expect(page.locator("article.quote").first).to_be_visible()


def spoken(page: Page) -> str:
    return "".join(page.locator("[role=status]").all_text_contents())
