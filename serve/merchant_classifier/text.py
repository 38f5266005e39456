"""Raw card statement descriptor -> clean text, merchant name, intermediary. Standard library only.

A descriptor wraps a merchant name in what the issuer, the acquirer and the
terminal add: `POS DEBIT 08/14 SQ *BLUE BOTTLE COF OAKLAND CA`. `normalize`
takes the wrapping off in a fixed order (characters, issuer phrase,
intermediary, references, place), and what remains becomes the lower-case ASCII
words the network reads. Training and serving both call it, so a change of its
output for any input must raise `NORMALIZER_VERSION`; bundles carry that number.

Rules of the tables come from `reference/descriptor_grammar.md`, which names
their public sources.
"""

from __future__ import annotations

import html
import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib import resources

NORMALIZER_VERSION = 1

MAX_CHARACTERS = 256
"""Characters of a description that are read: DE43 has 40, bank exports stay under 200."""

MAX_WORDS = 12
"""Words the network sees; further words of a long description are dropped."""

MAX_WORD_CHARACTERS = 24
"""Longer words are cut: statement fields hold 22 to 25 characters."""


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A description taken apart.

    Attributes:
        words: lower-case ASCII words for the network; the first is `<name>*` when an intermediary was found.
        merchant: the merchant's name as written, without the wrapping.
        intermediary: facilitator, marketplace or wallet, or None.
    """

    words: tuple[str, ...]
    merchant: str
    intermediary: str | None

    @property
    def text(self) -> str:
        """The words as one line: the key under which a merchant is known."""
        return " ".join(self.words)


# --- characters -----------------------------------------------------------------------------

_CYRILLIC = dict(
    zip(
        "абвгдеёжзийклмнопрстуфхцчшщъыьэюяіїєґўқғңөұүһәј",
        "a b v g d e e zh z i y k l m n o p r s t u f kh ts ch sh shch _ y _ e yu ya i i e g u k g n o u u h a j".split(),
        strict=True,
    )
)
_GREEK = dict(
    zip(
        "αβγδεζηθικλμνξοπρσςτυφχψω",
        "a v g d e z i th i k l m n x o p r s s t y f ch ps o".split(),
        strict=True,
    )
)
_LATIN = {"ß": "ss", "ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "ı": "i", "þ": "th", "ð": "d", "ŋ": "n"}
_TRANSLITERATION = {
    ord(source): target.replace("_", "") for table in (_CYRILLIC, _GREEK, _LATIN) for source, target in table.items()
}

# Letters that look Latin but are not; folded only inside a word that also holds real Latin letters.
_HOMOGLYPHS = str.maketrans(
    "аеорсухкмнтвіјѕԁԛԝАЕОРСУХКМНТВІЈЅαοενυικτρΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
    "aeopcyxkmhtbijsdqwAEOPCYXKMHTBIJSaoevuiktpABEZHIKMNOPTYX",
)
_MIXED_SCRIPT = re.compile(r"(?=\w*[A-Za-z])(?=\w*[\u0370-\u03ff\u0400-\u052f])\w+")
_CONTROL = {code: " " for code in (*range(32), *range(127, 160))}


def _ascii_or_native(text: str) -> str:
    """Fold compatibility forms, accents and look-alikes; transliterate Cyrillic and Greek.

    Kana, Han, Hangul, Arabic and other scripts stay as they are.
    """
    text = unicodedata.normalize("NFKC", text)
    # Format characters (zero-width, direction marks), lone surrogates and private use carry no meaning here.
    text = "".join(c for c in text if unicodedata.category(c) not in ("Cf", "Cs", "Co", "Cn"))
    text = _MIXED_SCRIPT.sub(lambda word: word.group().translate(_HOMOGLYPHS), text)
    folded = unicodedata.normalize("NFKD", text)
    # Й and Ё decompose; recompose what the transliteration table knows by dropping marks only after Latin letters.
    kept: list[str] = []
    for char in folded:
        if unicodedata.combining(char) and (not kept or kept[-1] < "\u3000"):
            continue
        kept.append(char)
    return unicodedata.normalize("NFC", "".join(kept))


def _lower_latin(text: str) -> str:
    return text if text.isascii() else text.translate(_TRANSLITERATION)


# --- issuer phrases ---------------------------------------------------------------------------

_DATE = r"(?:\d{1,2}[/.\-]\d{1,2}(?:[/.\-]\d{2,4})?|\d{4}-\d{2}-\d{2}|\d{1,2} ?(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*)"
_ISSUER_PHRASES = (
    r"(?:recurring )?(?:purchase|payment) +authorized +on +" + _DATE,
    r"check ?card(?: purchase)?(?: \d{4})?",
    r"(?:non-?pin )?(?:pos|pin|debit|visa|credit|dda|point of sale|ecom|signature|recurring|contactless)"
    r"(?: (?:card|debit|purchase|pur|purch|payment|withdrawal|pin|non-?pin|dda|visa|transaction))+(?: non-?pin)?",
    r"pos(?= (?:\d{2}/\d{2}|\d{4,6}x+\d*))",
    r"contactless interac purchase(?: -)?(?: \d{4})?",
    r"interac (?:retail )?purchase(?: -)?(?: \d{4})?",
    r"pre-authorized debit",
    r"card payment to",
    r"direct debit(?: payment)? to",
    r"(?:visa|mastercard|mc) (?:purchase|debit purchase card \d{4}|payment)",
    r"eftpos(?: purchase)?",
    r"kartenzahlung|giro ?card(?:-?zahlung)?|sepa-?elv-?lastschrift|pos-?zahlung|kauf/dienstleistung|twint(?: kauf)?|lastschrift",
    r"(?:facture )?carte(?: du)? (?:\d{6}|"
    + _DATE
    + r")|achat cb|paiement (?:par carte|psc|cb)(?: \d{4})?|prlv(?: sepa)?",
    r"compra (?:en )?(?:tarj(?:eta)?\.?|multibanco|cartao)?|pago con tarjeta(?: en)?|pagamento pos|acquisto pos|pagobancomat",
    r"bea, ?(?:betaalpas|apple pay|google pay)|betaalautomaat|sepa incasso|aankoop bancontact|bancontact",
    r"kort ?kop(?: \d{6})?|visa varekop|varekjop|varaus|dankort-?kob|\*\d{4} \d{2}\.\d{2} [a-z]{3} [\d.,]+",
    r"pokupka|oplata(?: tovarov i uslug)?|platba kartou|platnosc karta|zakup(?: przy uzyciu karty)?",
    r"pos \d{6}x+\d{4}|ecom pur/|upi[-/](?:dr/|cr/|p2m/)?(?:\d{12}/)?",
    r"aplpay|apple ?pay|gpay|google pay|samsung pay",
)
_ISSUER = re.compile(rf"(?:(?:{'|'.join(_ISSUER_PHRASES)})\b[ :\-]*(?:{_DATE} +)?)+", re.IGNORECASE)
_LEADING_DATE = re.compile(rf"(?:{_DATE})(?= )[ :\-]*", re.IGNORECASE)

# --- intermediaries ------------------------------------------------------------------------------

_INTERMEDIARIES: tuple[tuple[str, str, str], ...] = (
    # (name shown, word for the network, pattern). Facilitators need a real separator: `SQ FOOT LTD` is a shop.
    ("Square", "square*", r"(?:sq|squ|gosq\.com) ?\*|gosq\.com "),
    ("Toast", "toast*", r"tst ?\*"),
    ("SpotOn", "spoton*", r"spo(?:ton)? ?\*"),
    ("Shopify", "shopify*", r"(?:sp|shopify) ?\*|sp (?=[a-z])"),
    ("Clover", "clover*", r"(?:clp|clover) ?\*"),
    ("PayPal", "paypal*", r"(?:paypal|pp|pypl) ?\*|paypal inst xfer"),
    ("Intuit", "intuit*", r"(?:in|intuit) ?\*"),
    ("Zettle", "zettle*", r"(?:i?zettle|iz|ztl)_? ?\*"),
    ("SumUp", "sumup*", r"sumup ?\*"),
    ("Stripe", "stripe*", r"stripe ?\*"),
    ("WePay", "wepay*", r"(?:wpy|wepay) ?\*"),
    ("Eventbrite", "eventbrite*", r"eb ?\*"),
    ("FastSpring", "fastspring*", r"fs ?\*|bls ?\*"),
    ("Paddle", "paddle*", r"paddle(?:\.net)? ?\*"),
    ("Digital River", "digitalriver*", r"dri ?\*"),
    ("2Checkout", "2checkout*", r"2co(?:\.com)? ?\*"),
    ("Lemon Squeezy", "lemonsqueezy*", r"lemsqzy ?\*"),
    ("Gumroad", "gumroad*", r"gum\.co/?(?:cc)? ?\*"),
    ("GoDaddy Payments", "godaddypay*", r"gdp ?\*"),
    ("CCV", "ccv*", r"ccv ?\*"),
    ("Pay.nl", "paynl*", r"pay\.nl ?\*"),
    ("Mollie", "mollie*", r"mollie ?\*"),
    ("Adyen", "adyen*", r"adyen ?\*"),
    ("Vipps", "vipps*", r"vipps ?\*"),
    ("Klarna", "klarna*", r"klarna ?\*"),
    ("Nayax", "vending*", r"(?:nyx|nayax|ctlp|usa|pti) ?\*"),
    ("Curve", "curve*", r"crv ?\*"),
    ("Lightspeed", "lightspeed*", r"lsp?k? ?\*"),
    ("Mercado Pago", "mercadopago*", r"(?:mercado ?pago|merpago|mpago|mp) ?\*"),
    ("PagSeguro", "pagseguro*", r"(?:pag|pagseguro|ec|pg) ?\*"),
    ("iFood", "ifood*", r"ifd ?\*"),
    ("EBANX", "ebanx*", r"ebn(?:x|anx)? ?\*|ebanx ?\*"),
    ("dLocal", "dlocal*", r"dlo? ?\*"),
    ("Hotmart", "hotmart*", r"htm ?\*"),
    ("Rappi", "rappi*", r"rappi ?\*"),
    ("PayU", "payu*", r"payu ?\*(?:[a-z]{2} ?\*)?"),
    ("Razorpay", "razorpay*", r"raz(?:orpay)? ?\*"),
    ("CCAvenue", "ccavenue*", r"ccavenue ?\*"),
    ("Paytm", "paytm*", r"paytm ?\*"),
    ("iyzico", "iyzico*", r"iyzico ?[/*]"),
    ("PayTR", "paytr*", r"paytr ?[/*]"),
    ("Param", "param*", r"param ?[/*]"),
    ("DoorDash", "doordash*", r"dd ?\*(?: ?doordash)?"),
    ("Grubhub", "grubhub*", r"grubhub ?\*"),
    ("Ticketmaster", "ticketing*", r"(?:tm|tcktweb|axs) ?\*"),
    ("Alipay", "alipay*", r"(?:alipay|支付宝) ?[*\-]"),
    ("WeChat Pay", "wechatpay*", r"(?:weixin|wechat|tenpay|财付通) ?(?:pay)? ?[*\-]"),
    ("Payment facilitator", "facilitator*", r"(?:py|cke|zsk|bt|ms|srt|bck) ?\*"),
)
_INTERMEDIARY = re.compile("|".join(f"(?P<i{n}>{p})" for n, (_, _, p) in enumerate(_INTERMEDIARIES)), re.IGNORECASE)
_INTERMEDIARY_NAMES = {f"i{n}": (name, word) for n, (name, word, _) in enumerate(_INTERMEDIARIES)}

# --- references and other noise -----------------------------------------------------------------

_NOISE = re.compile(
    r"\b(?:card|carte|cb|kaart|pas|karta)?[ *:]*x{2,}[x*]*\d{0,4}\b"  # masked card numbers
    r"|\bcb\*\d{4}\b"
    r"|\b(?:card|carte|cartao|tarj|karte) ?\d{4}\b"
    r"|\bvalue date:? ?[\d/]+"
    r"|//[a-z .\-]+/[a-z]{2,3}\b.*$"  # girocard terminal tail
    r"|\b\d{4}-\d{2}-\d{2}(?:t\d{2}[:.]\d{2}(?:[:.]\d{2})?)?\b"
    r"|\bon \d{1,2} (?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*(?: (?:bcc|clp|cpm))?\b"
    r"|\b\d{1,2}[/.]\d{1,2}(?:[/.]\d{2,4})?(?:[ /]\d{1,2}[:.]\d{2})?(?![\d.])"
    r"|\b(?:parc|cuota|rate) ?\d{1,2}/\d{1,2}\b"
    r"|\b(?:des|id|indn|co id|ref|nr|pas|auth|trn|term|kurs)[:.] ?\S+"
    r"|\+?\(?\b\d{3}\)?[ \-.]?\d{3}[ \-.]\d{4}\b|\b\d{3}-\d{7}\b|\b1?8\d{9}\b"  # phone numbers
    r"|\b[a-z]{0,3}\d[\d\-]{3,}[a-z\d]*\b"  # store numbers, references
    r"|\b(?=[a-z\d]*\d)(?=[a-z\d]*[a-z]\d|[a-z\d]*\d[a-z])[a-z\d]{8,}\b"
    r"|[#№] ?[a-z]?\d+\b"
    r"|\b(?:store|str|unit|no|nr|shop|filiale|fil) ?\.?#? ?\d+\b"
    r"|\b(?:ppd|web|kfn|vj|ccd|bcc|clp)\b(?: ?\d+)*",
    re.IGNORECASE,
)
_REFERENCE_AFTER_STAR = re.compile(r"(?<=\w) ?\*(?=[a-z\d]*\d)[a-z\d]{4,}", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+(?:&[^\W_]+)*|&")
_APOSTROPHES = re.compile(r"(?<=\w)['`\u2019\u00b4](?=\w)")
_DOMAIN = re.compile(
    r"\b(?:https?://)?(?:www\.)?([a-z0-9\-]+)\.(?:(?:co|com|org|net)\.)?(com|net|org|co|io|de|fr|uk|ca|au|eu|nl|it|es|ru|app|shop|tv|me|us|in|br|pl|se|be|ch|at|jp|bill)\b(?:/[a-z]*)?",
    re.IGNORECASE,
)

# --- place ---------------------------------------------------------------------------------------

_REGIONS = frozenset(
    "al ak az ar ca co ct de fl ga hi id il in ia ks ky la me md ma mi mn ms mo mt ne nv nh nj nm ny nc nd oh ok or pa ri sc sd tn tx"
    " ut vt va wa wv wi wy dc pr on qc bc ab mb sk ns nb nl pe yt nt nu nsw vic qld wa sa tas act"
    " us usa gb gbr uk ie irl can aus au nz nzl de deu fr fra es esp it ita nld be bel ch che at aut se swe no nor dk dnk fi fin pt prt pl pol"
    " cz cze hu hun ro rou gr grc tr tur ru rus ua ukr il isr ae are sa sau za zaf in ind sg sgp my mys th tha jp jpn kr kor cn chn hk hkg tw twn br bra"
    " mx mex ar arg cl chl co col pe per lu lux".split()
)


@cache
def _places() -> frozenset[str]:
    """Lower-case names of large cities, from the packaged list."""
    lines = resources.files(__package__).joinpath("places.txt").read_text("ascii").split("\n")
    return frozenset(line for line in lines if line)


def _strip_place(words: list[str]) -> int:
    """Return how many leading words are left once a trailing place was taken off.

    A region or country code goes when words stay in front of it; a city goes
    when it is in the list, in full or cut at 13 characters as DE43 cuts it.
    The first word always stays: a merchant may be named like a city.
    """
    end = len(words)
    had_region = False
    while end > 1 and words[end - 1] in _REGIONS and not had_region:
        end -= 1
        had_region = True
        if end > 1 and words[end - 1] in _REGIONS:
            end -= 1
    places = _places()
    for size in (3, 2, 1):
        if end > size and " ".join(words[end - size : end]) in places:
            return end - size
    return end if had_region and end > 1 else len(words) if not had_region else end


def normalize(raw: str) -> Descriptor:
    """Take a description apart.

    Args:
        raw: any string at all.

    Returns:
        The words, merchant and intermediary; no words when nothing readable is left.

    Raises:
        TypeError: `raw` is not a string.
    """
    if not isinstance(raw, str):
        raise TypeError(f"a description must be str, got {type(raw).__name__}")
    text = raw[:MAX_CHARACTERS].translate(_CONTROL)
    if not text.isascii():
        text = _ascii_or_native(text)
    if "&" in text and ";" in text:
        text = html.unescape(text)
    text = _APOSTROPHES.sub("", " ".join(text.split()))
    text = _without_prefix(text, _LEADING_DATE)
    text = _without_prefix(text, _ISSUER)
    intermediary, marker, text = _split_intermediary(text)
    text = _without_prefix(text, _LEADING_DATE)
    bare = _REFERENCE_AFTER_STAR.sub(" ", text)
    bare = _DOMAIN.sub(r"\1 \2", bare)
    bare = _NOISE.sub(" ", bare)
    shown = _WORD.findall(bare)
    words = [_lower_latin(word.lower())[:MAX_WORD_CHARACTERS] for word in shown]
    end = _strip_place(words)
    words, shown = [word for word in words[:end] if word], shown[:end]
    if marker:
        words.insert(0, marker)
    return Descriptor(tuple(words[:MAX_WORDS]), " ".join(shown), intermediary)


def _without_prefix(text: str, pattern: re.Pattern[str]) -> str:
    """Take `pattern` off the front, unless nothing would be left."""
    match = pattern.match(text)
    return text[match.end() :] if match and match.end() < len(text) else text


def _split_intermediary(text: str) -> tuple[str | None, str | None, str]:
    match = _INTERMEDIARY.match(text)
    if match is None or match.lastgroup is None:
        return None, None, text
    name, word = _INTERMEDIARY_NAMES[match.lastgroup]
    return name, word, text[match.end() :].lstrip(" *")
