"""Which words are misspelt: a word that is one stays, however near a word of the documents it looks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.search.query_rewriting import rewritings_of
from qa.text.word_list import packaged_word_list
from tests.support.lexicons import lexicon_of, word_list_of

WORDS = word_list_of(
    ["ileal", "ilial", "laparoscopy", "sulphur", "oedema", "harbour", "scared", "loose", "humeral"],
    [
        "enalapril",
        "ramipril",
        "perindopril",
        "cefaclor",
        "cefadroxil",
        "chlorpromazine",
        "clomipramine",
        "promethazine",
    ],
)
TEXT = """The ilial crest. Edema and a harbor. Ramipril, clomipramine and cefadroxil. Arthroscopy. A scarred,
numeral lose. Dr O'Leary does the check up. A pacemaker. Our sulfur bath. Atenolol too. The laryngectomy. The femoral
head's infection. Dr Dunne will do a follow-up and an e-mail. Mr. Maccoll."""


def read(question: str, text: str = TEXT) -> str:
    return rewritings_of(question, lexicon_of(text, word_list=WORDS))[0].text


@pytest.mark.parametrize("word", ["ileal", "humeral", "scared", "loose", "laparoscopy"])
def test_a_word_that_is_one_is_not_read_as_another_that_looks_alike(word: str) -> None:
    assert read(f"is the {word} one treated") == f"is the {word} one treated"


@pytest.mark.parametrize(
    ("typed", "meant"), [("oedema", "edema"), ("harbour", "harbor"), ("sulphur", "sulfur"), ("Oedema", "Edema")]
)
def test_british_and_american_spellings_of_one_word_are_the_same(typed: str, meant: str) -> None:
    assert read(f"{typed} then") == f"{meant} then"
    assert read(f"{meant} then", TEXT.lower().replace(meant.lower(), typed.lower())).lower() == f"{typed} then".lower()


@pytest.mark.parametrize("medicine", ["enalapril", "perindopril", "chlorpromazine", "cefaclor"])
def test_a_medicine_is_never_read_as_another(medicine: str) -> None:
    assert read(f"my {medicine} dose") == f"my {medicine} dose"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("ramiprl", "ramipril"),  # one slip
        ("clomiprammine", "clomipramine"),
        ("cefadroxyl", "cefadroxil"),
        ("enalaprill", "enalaprill"),  # of another medicine
        ("perindroprl", "perindroprl"),
        ("cinapril", "cinapril"),  # two slips, and a stem that many share
        ("betanolol", "betanolol"),
        ("atenolole", "atenolol"),
        ("clopromazine", "clopromazine"),  # between two medicines
    ],
)
def test_a_misspelt_medicine_is_read_as_one_only_where_no_other_is_as_near(typed: str, meant: str) -> None:
    assert read(f"take {typed}") == f"take {meant}"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("arthroskopy", "arthroscopy"),
        ("antroscopy", "antroscopy"),  # another term of the same ending
        ("pharyngectomy", "pharyngectomy"),
        ("larryngectomy", "laryngectomy"),
        ("laparascopy", "laparascopy"),  # a slip of a word that the documents don't hold
        ("humerel", "humerel"),
    ],
)
def test_a_term_is_not_read_as_another_with_the_same_ending(typed: str, meant: str) -> None:
    assert read(f"the {typed} please") == f"the {meant} please"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("who is dr oleary", "who is dr o'leary"),
        ("who is Dr OLeary", "who is Dr O'leary"),
        ("dr o leary's", "dr o'leary's"),
        ("is O’Leary in", "is O’Leary in"),
        ("who is Mac’Coll", "who is Maccoll"),
        ("a checkup soon", "a check up soon"),
        ("the pace maker", "the pacemaker"),
        ("my pace-maker", "my pacemaker"),
        ("a followup", "a follow up"),
        ("an email", "an e mail"),
        ("check-up", "check-up"),
        ("dont go", "dont go"),
    ],
)
def test_apostrophes_hyphens_and_spaces_within_a_name_make_no_difference(typed: str, meant: str) -> None:
    assert read(typed) == meant


@pytest.mark.parametrize("word", ["um", "gonna", "basically", "wondering", "im", "havent", "sorry"])
def test_fillers_and_contractions_are_no_misspellings(word: str) -> None:
    assert read(word, "The gonad, the bashful basilica and the havens wander, sorely.") == word


PACKAGED = packaged_word_list()
LETTERS = st.text("abcdefghijklmnopqrstuvwxyz", min_size=5, max_size=9)


LOOK_ALIKES = """
urethral-ureteral urethra-ureter urethritis-ureteritis urethrectomy-ureterectomy urethroscopy-ureteroscopy
urethrostomy-ureterostomy urethroplasty-ureteroplasty peroneal-peritoneal perineal-peroneal perineum-peritoneum
ileum-ilium ileal-ilial dysphagia-dysphasia aphagia-aphasia dysphasia-dysplasia prostate-prostrate
palpation-palpitation abduction-adduction hypothyroidism-hyperthyroidism hypocalcemia-hypokalemia
colposcopy-colonoscopy cystoscopy-colposcopy colostomy-colotomy arteritis-arthritis arthroscopy-arthroplasty
malleus-malleolus cholecystitis-cholangitis nephrostomy-nephrectomy lobectomy-lobotomy laryngoscopy-pharyngoscopy
osteoporosis-osteopetrosis myelitis-meningitis myeloma-melanoma lymphoma-lipoma glaucoma-glioma
vertebroplasty-kyphoplasty kyphosis-lordosis keratosis-ketosis metacarpal-metatarsal spondylolysis-spondylolisthesis
intracranial-intercranial antepartum-antipartum anuria-enuresis polyuria-pyuria pleural-plural mastitis-mastoiditis
varicella-variola discectomy-dissection laminectomy-laminotomy facial-faucial
""".split()


@pytest.mark.parametrize("pair", LOOK_ALIKES)
def test_no_term_is_read_as_the_other_of_a_look_alike_pair(pair: str) -> None:
    one, other = pair.split("-")
    for typed, said in ((one, other), (other, one)):
        lexicon = lexicon_of(f"The {said} is here.", word_list=PACKAGED)
        assert {rewriting.text for rewriting in rewritings_of(f"my {typed} then", lexicon)} == {f"my {typed} then"}


@given(st.sampled_from(PACKAGED.medicine_names[::37]), st.sampled_from(PACKAGED.medicine_names[::41]))
def test_no_medicine_of_the_package_is_read_as_another(asked: str, said: str) -> None:
    lexicon = lexicon_of(f"Take {said} at night.", word_list=PACKAGED)
    assert rewritings_of(asked, lexicon)[0].text.replace(" ", "") == asked


@given(LETTERS, LETTERS)
def test_whatever_is_typed_a_correction_is_a_word_of_the_documents(typed: str, said: str) -> None:
    (first, *_) = rewritings_of(typed, lexicon_of(f"The {said}.", word_list=PACKAGED))
    assert first.text in {typed, said}
