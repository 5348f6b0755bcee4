"""English: every word list and pattern by which texts and questions are understood. Data only; who uses it decides.

Words are in lower case, with a straight apostrophe; patterns given as text are parts of larger ones.
"""

import re

LANGUAGE = "en"
"""The ISO 639-1 code, for libraries that know several languages."""

# Words that say little by themselves

FUNCTION_WORDS = frozenset(
    """
    a about after again all also am an and any anyone are as at be because been before being but by can cannot
    could d did do does doing don done during else for from get gets getting give go going got had has have
    having he hello her here hers herself hi him himself his how i if in into is it its itself just know let
    like ll m make many may me might mine much must my myself need no not of ok okay on one onto or our ours
    ourselves out over please re s shall she should so some someone still such t take tell than thank thanks
    that the their theirs them themselves then there these they thing things this those to too under up upon
    us use used ve very want was we were what when where whether which while who whom whose why will with
    would yes yet you your yours yourself yourselves
    """.split()
)
"""Words that ask or connect; that no text holds them says nothing."""

FILLER_WORDS = frozenset(
    """
    actually ah anyway basically bother bothering bye calling cheers cos coz cuz dear dunno eh er erm folks gimme gonna
    gotta guess guys hallo hello hey hiya hmm honestly hope hoping hopefully kinda kindly lemme literally lot lots maam
    madam maybe mhm nope obviously oh pardon pls plz question quick really sir sorry sorta since thankyou thx u uh uhh
    um umm ur wanna wondered wondering yea yeah yep yo yup
    """.split()
)
"""Words of politeness and hesitation, as people type and dictate them; that no text holds them says nothing either."""

WORDS_AFTER_HOW = frozenset(
    "bad big common deep far fast high large likely long often old quickly small soon tall wide".split()
)
"""Words after "how" that ask for a quantity; a text that gives it hardly says them."""

RELATIVES = frozenset(
    """
    aunt auntie boyfriend brother brothers cousin dad daddy daughter father fiance fiancee friend friends girlfriend
    gran grandad granddad granddaughter grandfather grandma grandmother grandpa grandparents grandson granny hubby
    husband mom mommy mother mum mummy nan nana neighbor neighbour nephew niece parents partner sister sisters son
    spouse stepfather stepmother uncle wife
    """.split()
)
"""Who is asked for, soon after "my" or "her": to the documents, a patient like any other."""

POSSESSIVES = frozenset("her his my our their your".split())
"""Words that say whose relative is asked for."""

WORDS_BEFORE_RELATIVES = 4
"""How many words before a relative the possessive may stand: "my 80 year old aunt"."""

NAMES_OF_RELATIVES = frozenset(
    "auntie dad daddy gran grandad granddad grandma grandpa granny hubby mom mommy mum mummy nan nana".split()
)
"""Relatives that are asked for without any such word, too: "can mum drive"."""

# Inflections

VOWELS = "aeiou"
"""The letters that are vowels wherever they stand; "y" is one too in some places."""

SIBILANT_ENDINGS = ("s", "x", "z", "ch", "sh", "o")
"""Ends of words that take -es in the plural."""

SINGULARS_IN_S = ("ss", "us", "is")
"""Ends of words that are no plurals although they end in s."""

VERB_ENDINGS = ("ed", "ing")
"""What a verb's past and participle add to its base form."""

# How words are spelt, and how they sound

SOUNDS = (
    (re.compile(r"^(?:kn|gn|pn)"), "n"),
    (re.compile(r"^ps"), "s"),
    (re.compile(r"^wr"), "r"),
    (re.compile(r"^x"), "s"),
    (re.compile(r"rh"), "r"),
    (re.compile(r"ph"), "f"),
    (re.compile(r"[ao]e"), "e"),
    (re.compile(r"sc(?=[eiy])"), "s"),
    (re.compile(r"ch|ck|q"), "k"),
    (re.compile(r"c(?=[eiy])"), "s"),
    (re.compile(r"c"), "k"),
    (re.compile(r"x"), "ks"),
    (re.compile(r"y"), "i"),
    (re.compile(r"z"), "s"),
    (re.compile(r"(.)\1+"), r"\1"),
)
"""Spellings and the sounds that they stand for, to be replaced in this order."""

CONTRASTS = (
    re.compile(r"^(hiper|hipo)"),
    re.compile(r"^(inter|intra|infra|supra|ekstra)"),
    re.compile(r"^(makro|mikro)"),
    re.compile(r"^(anti|ante)"),
    re.compile(r"^(pre|post|peri)"),
    re.compile(r"^(ab|ad)duk"),
    re.compile(r"^(taki|bradi)"),
    re.compile(r"(ureter|urethr)"),
    re.compile(r"(fagi|fasi)"),
    re.compile(r"(ektom|otom|ostom|oskop|plast)(?:i|ies|ik)$"),
    re.compile(r"(itis|osis|oma|emia|uria|algia|pathi)$"),
    re.compile(r"(les|ful)$"),
)
"""Parts of words, as they sound, in which two terms of medicine differ and mean another thing, or the opposite."""

TERM_ENDING = re.compile(
    r"(ektomi|otomi|ostomi|oskopi|sentesis|plasti|rafi|gram|metri|itis|osis|lisis|sele|oma|emia|uria|algia|pathi|fagia"
    r"|fasia|plegia|paresis|pnea|rea|penia|trofi|megali)(?:s|es)?$"
)
"""Ends of terms of medicine, as they sound, each shared by many that differ."""

CONTRACTIONS_WITHOUT_APOSTROPHE = frozenset(
    """
    aint arent cant couldnt couldve didnt doesnt dont hadnt hasnt havent hes hows im isnt itll ive mightve mustnt
    shes shouldnt shouldve thats theres theyd theyll theyre theyve wasnt weren werent weve whats whens wheres whos wont
    wouldnt wouldve youd youll youre youve
    """.split()
)
"""Contractions as people type and dictate them in a hurry: no misspellings of anything else, and they only connect."""

BRITISH_SPELLINGS = (
    (re.compile(r"ae|oe"), "e"),
    (re.compile(r"our(?=s?$|ed$|ing$|less$|ful$)"), "or"),
    (re.compile(r"(?<=[bt])re(?=s?$)"), "er"),
    (re.compile(r"(?<=[iy])s(?=e[ds]?$|er$|ing$|ation$|ations$)"), "z"),
    (re.compile(r"sulph"), "sulf"),
)
"""Parts of words as the British spell them, and as the Americans do, to be replaced in this order."""

MEDICINE_STEMS = tuple(
    """
    afil amide anib astine azepam azine azole azosin bactam barbital caine cept ciclib cillin coxib cycline dipine
    dopa dronate fenac fibrate floxacin gatran gliflozin gliptin glutide grel ipril ketamine lukast mab micin mycin
    nidazole olol olone onidine oprazole oxacin oxetine parin pidem pine pram prazole pril profen rubicin sartan
    semide setron sone statin stigmine tadine terol thiazide tidine tinib triptan triptyline vaptan vastatin vir xaban
    zepam zodone zolam zolamide zoline zosin
    """.split()
)
"""Ends of international names of medicines (the WHO's stems and common ends), each shared by many that differ."""

# Short forms and what they stand for

WORDS_LIKE_SHORT_FORMS = frozenset(
    """
    aid aids all am an and are as at be bid by can cat do for gas go had has he her his id if in is it lab low map mat
    may me mi mind no of on or our pad pain pan past pet rat sad sat she so tab tb tens tia tie tip to up us was we who
    """.split()
)
"""Short forms that are abbreviations only when written in capitals."""

ARTICLE = r"(?:an?|the)"
"""The pattern of an article."""

ALSO_CALLED = r"(?:or|(?:also )?(?:called|known as)|abbreviated)"
"""The pattern of what introduces another name: "…, also called", "…, or"."""

NOT_FIRST_IN_LONG_FORM = frozenset(
    "a an and are as at be by for from if in into is it its of on or the this to was with".split()
)
"""Words that no long form of an abbreviation begins with."""

# Numbers and quantities

NUMBER_WORDS = tuple(
    """
    one two three four five six seven eight nine ten eleven twelve fifteen twenty thirty forty fifty sixty ninety
    hundred thousand million dozen
    """.split()
)
"""Words that say how many there are."""

NUMBER = "|".join((r"\d[\d,.]*", *NUMBER_WORDS, "half", "several", "few", "couple"))
"""The pattern of a number in digits or in a word, however vague."""

TIME_UNITS = ("second", "minute", "hour", "day", "week", "month", "year")
"""The units that a length of time is given in, each beside the ones that are nearest to it."""

WORDS_FOR_ONE = frozenset("a an each every".split())
"""Words before a unit of time that stand for the number one: "an hour", "every day"."""

WORDS_WITHIN_NUMBERS = frozenset("a an of or the to".split())
"""Words that may stand between a number and what it counts: "two to three of the"."""

PERSONS = frozenset("adult adults children men patient patients people person persons women".split())
"""Words for those who are counted without being named: "1 in 15,000 newborns" counts people too."""

WORDS_AFTER_COUNTED_THING = frozenset(
    """
    a am an and are at be been can could did do does for from get gets had has have he i in into is it may might must of
    on or our shall she should the their there these they to was we were who will with would you your
    """.split()
)
"""Words that end the name of what is counted: "how many hours | will it take"."""

_QUANTITY = rf"(?:{NUMBER}|an?)"
_TIME_UNIT = rf"(?:(?:{'|'.join(TIME_UNITS)}|night)s?|o'clock)"
_TIME = rf"\b{_QUANTITY}(?:[\s-]+(?:to|or|and|of|a|{_QUANTITY}))*[\s-]+{_TIME_UNIT}\b"
_SOON = r"\b(?:immediately|right away|at once|same day|overnight|today|tomorrow)\b"
_SIZE = (
    rf"\b{_QUANTITY}[\s-]*(?:(?:to|or|an?|{_QUANTITY})[\s-]+)*(?:mm|cm|m|millimet|centimet|met|inch|feet|foot|ft|in\b)"
)
_WEIGHT = rf"\b{_QUANTITY}[\s-]*(?:mg|g|kg|ml|l|pounds?|lbs?|ounces?|grams?|milligrams?|tablets?|doses?)\b"

QUANTITIES = tuple(
    (re.compile(asked, re.IGNORECASE), re.compile(given, re.IGNORECASE))
    for asked, given in (
        (
            rf"\bhow (?:long|soon|quickly|fast|often)\b|\bwhen\b|\bwhat time\b|\bhow many {_TIME_UNIT}",
            rf"{_TIME}|{_SOON}",
        ),
        (r"\bpercent|\bhow likely\b|\bwhat (?:share|rate|chance)|\bhow effective\b", r"\d\s?%|\bper\s?cent\b"),
        (r"\bhow (?:big|large|tall|wide|small|deep)\b|\bsize of\b|\bsize\b", _SIZE),
        (r"\bhow much\b.{0,20}\b(?:take|dose|weigh|lift)|\bdos(?:e|age)\b", _WEIGHT),
        (r"\bhow (?:many|much|old|high)\b", rf"\d|\b(?:{'|'.join(NUMBER_WORDS)})\b"),
    )
)
"""How a time, share, size, dose or number is asked for, and what a sentence that gives it looks like."""

# What turns the meaning of what stands below it

TURNS_WHAT_FOLLOWS = re.compile(
    r"""
      \b(?:not|no|none|nothing|nobody|never|neither|nor|without|unless|except|exceptions?|only|if|until|instead)\b
    | n['’]t\b | \b(?:cannot|cant|dont|mustnt|shouldnt|wont)\b
    | \b(?:avoid|continue|forbid|keep|limit|pause|reduce|refrain|restart|resume|skip|stop)
        (?:s|d|ed|ped|ing|ping|den)?\b | \b(?:paus|reduc|resum|continu)ing\b
    | \b(?:allowed|banned|contraindicat\w*|permitted|prohibited|(?:un)?safe(?:ly)?|(?:un)?suitable)\b
    | \b(?:good|bad|right|wrong|true|false|myths?|less|fewer)\b
    | \b(?:dangers?|dangerous|emergency|emergencies|urgent|urgently|warnings?|911|999|112)\b | ^\W*call\b | \bto\ call\b
    | ^\W*(?:yes|ok|okay|do['’]?s?|does|did|am|is|are|was|were|has|have)\b
    | ^\W*(?:can|could|may|might|must|shall|should|will|would)\b
    | ^(?!\W*(?:how|why)\b).*\b(?:can|must|should|need)\b | \byou\ may\b
    | ^\W*(?:when|whenever|in\ case)\b(?!.*\?)
    | [:✓✔✅✗✘❌🚫]\W*$ | ^\W*[✓✔✅✗✘❌🚫]
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""A heading, or a paragraph before a list, that may turn what stands below it: it denies, permits or warns, sets a
condition, asks for a yes or no, or ends in a colon. Rather too many than one too few."""
