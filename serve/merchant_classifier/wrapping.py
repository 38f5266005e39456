"""What issuers, acquirers and terminals write around a merchant's name: tables and patterns. Standard library only.

All patterns are matched against folded lower-case text. The phrases follow the
public sources named in the project's descriptor grammar; `text.normalize` says
in which order they come off.
"""

from __future__ import annotations

import re

_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?|okt|dez|mai|ene|abr|ago|dic|fev|avr|juin|juil|aout)(?![a-z])"
)
_DATE = (
    r"(?:\d{4}-\d{2}-\d{2}|\d{1,2}[/.\-]\d{1,2}(?:[/.\-]\d{2,4})?(?!\d)|\d{1,2}[ \-]?" + _MONTH + r"(?:[ \-]?\d{2,4})?"
    r"|" + _MONTH + r" \d{1,2}(?!\d))"
)
_MASK = r"(?:[\dx*#]{0,8}[x*#]{2,16}\d{2,6}|\d{16})"

_CARD_WORDS = (
    r"(?: (?:card|debit|purchase|pur|purch|payment|withdrawal|withdrwl|wd|w/d|pin|non-?pin|dda|visa|mastercard|mc|pos"
    r"|transaction|trans|txn|sale|recurring|signature|international|intl|local|web|retail|contactless|online|dd))"
)

_ISSUER_PHRASES = (
    # United States, Canada, United Kingdom, Ireland, Australia, New Zealand, South Africa, Nigeria
    r"recurring (?:purchase|payment) +authorized +on|(?:purchase|payment) +authorized +on",
    r"check ?card(?: purchase)?(?: \d{4}(?= ))?",
    rf"(?:pos|pin|debit|visa|mastercard|mc|credit|dda|ecom|signature|recurring|contactless|eftpos|cheque){_CARD_WORDS}+"
    r"(?:(?: no\.?| ending(?: in)?|(?<=card)) ?[x*]*\d{4,16}(?= ))?",
    r"point[ -]of[ -]sale(?: (?:purchase|transaction|debit|withdrawal|interac))*",
    r"non-?pin(?: purchase)?|ach (?:debit|withdrawal|payment|hold|electronic debit)|electronic (?:debit|withdrawal)",
    r"contactless interac purchase(?: -)?(?: \d{4})?|interac (?:retail )?purchase(?: -)?(?: \d{4})?"
    r"|idp purchase - \d{4}",
    r"pre-?authori[sz]ed (?:debit|payment)|point of sale - interac(?: retail purchase \d+)?",
    r"card (?:payment|purchase|transaction)(?: to| at)?|contactless(?: payment)?(?: to| at)?(?= )|purchase (?:at|from)",
    r"direct debit(?: payment)?(?: to)?(?: \d{4,})?|standing order to|bill payment(?: to)?|online payment to",
    r"eftpos(?: purchase| debit)?|nets purchase|paywave purchase|tap (?:and|&) pay|value date",
    r"purchase card \d{4}|debit card \d{4}|visa(?= .{2,60} dienstleistung)",
    # Germany, Austria, Switzerland
    r"(?:debit|kredit)?kartenzahlung(?: girocard)?|giro ?card(?:-?zahlung)?|sepa-?(?:elv-?|basis-?|folge-?|erst-?"
    r"|firmen-?)?lastschrift",
    r"pos-?zahlung|kauf/dienstleistung|twint(?: kauf(?: dienstleistung)?| an| zahlung)?|(?:basis|folge|erst"
    r"|euro)?-?lastschrift(?:seinzug)?",
    r"maestro[ -](?:zahlung|einkauf|kauf)|einkauf (?:bei|debit|visa|karte)|zahlung (?:an|bei|mit karte)"
    r"|bezahlung (?:bei|karte)"
    r"|visa debitkartenumsatz|karteneinsatz|ec[ -](?:cash|karte|zahlung)|ec \d{8} \d{6,8}(?= )"
    r"|online-?zahlung|zkb visa debit",
    # France, Belgium, Luxembourg
    r"(?:facture |paiement )?carte(?: x?\d{4})?(?: du)?(?: \d{6}(?!\d)|(?= \d{1,2}[/.]\d))|facture carte(?: du)?",
    r"achat (?:par )?(?:cb|carte)(?: [x*]+\d{4})?|paiement (?:par )?(?:carte|psc|cb|sans contact"
    r"|internet)(?: [x*]*\d{4,6}(?= ))?",
    r"(?:prlv|prelevement|prelevt)(?: sepa)?(?: de)?|cb(?= .{3,40}\d{2}[/.]?\d{2}[/.]?\d{2})|retrait (?:dab|carte)",
    r"(?:aankoop|achat|paiement) (?:met )?(?:bancontact|maestro|visa)|bancontact(?= )",
    # Spain, Portugal, Italy
    r"(?:cargo por )?compra(?:s)?(?: (?:en|con|de|no|com|na|internet|pos|nacional|intl|online|web|debito|deb|credito"
    r"|tarj(?:eta)?\.?|cartao|multibanco|elo|visa|mastercard|maestro|c\.? ?deb|contactless|vista|a vista))+",
    rf"compras?(?= {_MASK} )|compras? \d{{4}}(?= )|tarj(?:eta)?\.?(?= ?[:*\d])|operacion (?:con )?tarjeta"
    rf"|adeudo(?: recibo)?",
    r"pago (?:(?:con|en|movil|tarjeta|internet|recibo|web|contactless|pos|a|de) ?)+(?= )|cargo (?:en|de) (?:cuenta"
    r"|tarjeta)",
    r"pagamento (?:pos|carta|contactless|(?:tramite|con|su) (?:pos|carta)|servicos?|online)|acquisto (?:pos|carta"
    r"|tramite|presso)"
    r"|pagobancomat|operazione pos|addebito (?:sdd|diretto)|pagam\.? pos|pgto (?:debito|cartao)|pagto eletron",
    r"debito (?:visa electron brasil|em conta|automatico|aut|visa|mastercard|elo)|pix (?:qr ?code|qrs|enviado|enviada"
    r"|transf|pagamento|compra)",
    # Netherlands, Nordics
    r"bea,(?: ?(?:betaalpas|apple pay|google pay|mastercard|visa))?|bea (?:betaalpas|apple pay|google pay)|bea(?= nr:)"
    r"|betaalautomaat|sepa incasso(?: algemeen doorlopend)?|betaalpas",
    r"betaling (?:met |via )?(?:bankkaart|ideal|pinpas|kaart)|ideal betaling(?: aan)?|pinbetaling|pin betaling",
    r"kort ?kop(?: \d{6})?|kortk[o0]b|visa ?(?:vare)?k[oj]+[bp]|vare ?kj?op|dankort-?(?:kob|nota|kop)|visa/dankort"
    r"|reservation:|betalning(?: till)?"
    r"|varaus:?|(?:maksu)?korttiosto|osto|kjop|varekj?op|kortbetalning|mobilepay:?(?= [a-z])|notanr|reservert"
    r"|giro till|autogiro",
    # Central and eastern Europe, Turkey
    r"pokupka(?: tovara| tovarov)?|oplata(?: tovarov(?: i uslug)?| uslug| po karte| pokupki)?|beznalichnaya oplata"
    r"|spisanie|kupivlya|splata(?: za)?"
    r"|platezh|oplata tovariv",
    r"platba (?:kartou|u obchodnika)|nakup(?: kartou| na internete| pos)?|platnosc (?:karta|web - .{0,10}karta|blik)"
    r"|zakup (?:przy uzyciu karty|blik|karta)|transakcja (?:karta|bezgotowkowa)|operacja karta",
    r"vasarlas(?: kartyaval| belfoldon| pos)?|kartyas (?:vasarlas|fizetes)|plata (?:la )?(?:pos|card|comerciant)"
    r"|cumparare (?:pos|comerciant)"
    r"|placanje karticom|kupovina|(?:pos )?alisverisi?|pos (?:satisi?|harcama)|harcama|agora me karta|agores",
    # India, Asia, Gulf
    r"ap/|ecom(?: pur)?/|pos/|pur/|me dc si|vps/|ips/|bil/(?:onl/)?(?:\d+/)?|billdesk(?= )",
    r"pembelian(?: debit| di| pos)?|transaksi debit(?: tgl:?)?|pembayaran|duitnow(?: qr)?|qris|thanh toan(?: the"
    r"| qua pos)?|mua hang",
    rf"pos(?= (?:{_MASK}|\d{{2}}/\d{{2}}))|pos \d{{4}}(?= )|pos-purchase(?: card no\.? ?[\dx*]+)?"
    rf"|pos(?= .* \d{{2}}/\d{{2}}$)",
    # wallets that only carry the card
    r"apl ?\*|aplpay|apple ?pay|gpay|google ?pay(?= )|samsung ?pay|garmin pay|fitbit pay",
)


def _openings(phrases: tuple[str, ...]) -> frozenset[str]:
    """First two letters of every word of the phrases' patterns: more than can begin one, never fewer."""
    words = re.findall(r"[a-z]{2,}", re.sub(r"\\[a-z]", " ", "|".join(phrases)))
    return frozenset(word[:2] for word in words)


ISSUER_OPENINGS = _openings(_ISSUER_PHRASES)
"""First two letters a phrase of `ISSUER` can begin with, so that most other text costs one lookup."""

# One pattern for all: one for each opening would match 0.3 microseconds sooner but costs 250 ms of compiling at import.
ISSUER = re.compile(
    rf"(?:{'|'.join(_ISSUER_PHRASES)})(?:(?<=/)|(?![a-z0-9])[ :,\-]*(?:{_MASK} +)?(?:{_DATE}[ ,]+)?)", re.ASCII
)
"""A phrase an issuer puts in front, with the card mask and date behind it."""

NATIVE_ISSUER = re.compile(
    r"(?:デビット\d?|カード(?:利用|払い)|visaデビット|ap/|消费|快捷支付|体크"
    r"|체크카드|신용카드|카드결제|شراء|مشتريات|खरीद)[ :/\-]*"
)
NATIVE_NOISE = re.compile(r"\((?:주|유|株|有)\)|/(?:id|qp|nfc)\b")

LEADING_DATE = re.compile(rf"(?!24/7 |7-11 |20/20 )(?:{_DATE}|\d{{6}}(?= ))(?= )[ :,\-]*", re.ASCII)
LEADING_NORDIC = re.compile(r"\*\d{4} \d{2}\.\d{2}(?: [a-z]{3} [\d.,]+)? *")
UPI = re.compile(
    r"upi[-/ ]+(?:(?:dr|cr|p2m|p2a|p2p|pay|collect)[-/ ]+)?(?:\d{6,16}[-/ ]+)?(?:(?:dr|cr)[-/])?([^-/@]*[a-z][^-/@]*)"
)

# --- intermediaries -----------------------------------------------------------------------------

_FACILITATORS: tuple[tuple[str, str, str], ...] = (
    # name shown, word for the network, spellings in front of the separator (parted by |)
    ("Square", "square*", "sq|squ|square|gosq.com"),
    ("Toast", "toast*", "tst|toast|toasttab"),
    ("SpotOn", "spoton*", "spo|spoton"),
    ("Shopify", "shopify*", "sp|shopify"),
    ("Clover", "clover*", "clp|clv|clover"),
    ("PayPal", "paypal*", "paypal|pp|pypl|paypal.com"),
    ("Intuit", "intuit*", "in|intuit|qbp"),
    ("Zettle", "zettle*", "zettle|izettle|iz|ztl"),
    ("SumUp", "sumup*", "sumup|sumupde|sumup.com"),
    ("Stripe", "stripe*", "stripe|str"),
    ("WePay", "wepay*", "wpy|wepay"),
    ("Eventbrite", "eventbrite*", "eb|eventbrite"),
    ("FastSpring", "fastspring*", "fs|fsprg|bls|fastspring"),
    ("Paddle", "paddle*", "paddle|paddle.net|pddl"),
    ("Digital River", "digitalriver*", "dri|digitalriver"),
    ("2Checkout", "2checkout*", "2co|2co.com|2checkout|avangate|cleverbridge"),
    ("Lemon Squeezy", "lemonsqueezy*", "lemsqzy|lmsqueezy|ls"),
    ("Gumroad", "gumroad*", "gum.co|gumroad"),
    ("GoDaddy Payments", "godaddypay*", "gdp"),
    ("CCV", "ccv*", "ccv"),
    ("Pay.nl", "paynl*", "pay.nl|paynl"),
    ("Mollie", "mollie*", "mollie"),
    ("Adyen", "adyen*", "adyen"),
    ("Worldline", "worldline*", "worldline|payone|saferpay"),
    ("Vipps", "vipps*", "vipps"),
    ("MobilePay", "mobilepay*", "mobilepay"),
    ("Swish", "swish*", "swish"),
    ("Klarna", "klarna*", "klarna"),
    ("Afterpay", "afterpay*", "afterpay|clearpay"),
    ("Affirm", "affirm*", "affirm"),
    ("Sezzle", "sezzle*", "sezzle"),
    ("Nayax", "vending*", "nyx|nayax|ctlp|usa|pti|cantaloupe"),
    ("Curve", "curve*", "crv|curve"),
    ("Lightspeed", "lightspeed*", "lsp|lspk|lightspeed"),
    ("Mercado Pago", "mercadopago*", "mercadopago|mercado pago|merpago|mpago|mp|merc pago"),
    ("PagSeguro", "pagseguro*", "pag|pagseguro|pagbank|ec|pg"),
    ("Stone", "stone*", "stone|ton"),
    ("iFood", "ifood*", "ifd|ifood"),
    ("EBANX", "ebanx*", "ebn|ebnx|ebanx"),
    ("dLocal", "dlocal*", "dl|dlo|dlocal"),
    ("Hotmart", "hotmart*", "htm|hotmart"),
    ("Rappi", "rappi*", "rappi"),
    ("PedidosYa", "pedidosya*", "pedidosya|pedidos ya|pya"),
    ("PayU", "payu*", "payu|payu.in"),
    ("Clip", "clip*", "clip|clipmx"),
    ("Conekta", "conekta*", "conekta"),
    ("Wompi", "wompi*", "wompi|bold"),
    ("Razorpay", "razorpay*", "raz|razorpay|rzp"),
    ("CCAvenue", "ccavenue*", "ccavenue"),
    ("Paytm", "paytm*", "paytm"),
    ("PhonePe", "phonepe*", "phonepe|bharatpe"),
    ("Cashfree", "cashfree*", "cashfree|instamojo"),
    ("iyzico", "iyzico*", "iyzico"),
    ("PayTR", "paytr*", "paytr"),
    ("Param", "param*", "param"),
    ("Sipay", "sipay*", "sipay|craftgate"),
    ("Przelewy24", "przelewy24*", "p24|przelewy24|tpay|dotpay"),
    ("DoorDash", "doordash*", "dd|doordash"),
    ("Grubhub", "grubhub*", "grubhub"),
    ("Ticketmaster", "ticketing*", "tm|tcktweb|axs"),
    ("Alipay", "alipay*", "alipay|支付宝"),
    ("WeChat Pay", "wechatpay*", "weixin|wechat|wechatpay|tenpay|财付通|微信支付"),
    ("Meituan", "meituan*", "美团"),
    ("Booking.com", "booking*", "bkg"),
    ("Yoco", "yoco*", "yoco|ikhokha"),
    ("Paystack", "paystack*", "paystack|flutterwave|flw"),
    ("Xendit", "xendit*", "xendit|midtrans|doku"),
    ("PayMongo", "paymongo*", "paymongo|gcash"),
    ("Tyro", "tyro*", "tyro|smp"),
    ("Zip", "zip*", "zip"),
    ("Payment facilitator", "facilitator*", "py|cke|zsk|bt|ms|srt|bck|act|ppl"),
)

INTERMEDIARIES = {
    spelling: (name, word) for name, word, spellings in _FACILITATORS for spelling in spellings.split("|")
}
"""What stands in front of the separator -> name shown, word for the network."""

SLASH_INTERMEDIARIES = frozenset({"iyzico", "paytr", "param", "sipay", "payu"})
DASH_INTERMEDIARIES = frozenset({"alipay", "支付宝", "财付通", "美团", "tenpay", "微信支付", "weixin"})

SEPARATED = re.compile(r" {0,3}([^*/\-_ ]{1,14}(?: [^*/\-_ ]{1,10})?) {0,4}(?:/cc ?)?_?([*/\-]) *\*? *")
UNSEPARATED = re.compile(r"(paypal) inst xfer[ :]*|(gosq\.com) +|(sumup|izettle|zettle_)(?: |(?<=_))+(?=[a-z])")
SHOPIFY = re.compile(r"SP (?!PLUS|PARKING|SERV|ENERGY|GROUP|AUSNET|MANWEB|Z |SP\b|OF\b|\d)(?=[A-Z0-9]{2})")

# Marketplaces and platforms are the merchant; what follows their star is a reference.
REFERENCED = re.compile(
    r"\b(facebk|facebook|fb\.me|airbnb|amzn mktp|amazon mktp|amzn mktplace|amazon mktplace|amazon|amzn|prime video"
    r"|kindle svcs|kindle unltd|audible|expedia|vrbo|linkedin|amznmktplace)(?![a-z])(?:\.com?(?:\.[a-z]{2})?"
    r"| [a-z]{2})?"
    r" ?\* ?([a-z0-9\-]{4,16})(?![a-z0-9])"
)
LETTERS_ONLY_REFERENCES = frozenset({"facebk", "facebook", "airbnb", "expedia", "vrbo"})

# --- noise around and behind the name ------------------------------------------------------------

_CURRENCY = (
    r"(?:usd|eur|gbp|cad|aud|nzd|chf|sek|nok|dkk|pln|czk|huf|ron|rub|uah|try|inr|jpy|cny|brl|mxn|zar|aed|sgd|hkd|ils"
    r"|r\$|rs\.?)"
)
_CARD = r"(?:card|carte|cb|kaart|pas|karta|tarjeta|tarj|kort|karte|cartao|visa|mc)"
_DIGIT_NOISE = (
    rf"{_MASK}(?![a-z0-9])"
    rf"|(?!24/7|7-11|20/20 ){_DATE}(?:[ /,t\-]{{1,2}}\d{{1,2}}[:.h]\d{{2}}(?:[:.]\d{{2}})?)?(?: (?:purchase|bcc|clp"
    rf"|cpm))?"
    rf"|\d{{1,6}}(?:[.,]\d{{3}})?[.,]\d{{2}} ?{_CURRENCY}(?![a-z0-9])"
    r"|\d{1,2}:\d{2}(?::\d{2})?(?: ?[ap]m?)?(?![a-z0-9])"
    r"|(?:\+?1[ .\-])?\(?\d{3}\)?[ .\-]\d{3}[ .\-]?\d{4}(?!\d)|\+\d[\d \-]{7,14}|\d{2,5}(?:-\d{2,7})+(?![a-z])"
    r"|# ?#?[a-z]{0,2}\d+"
    r"|(?<= )\d{2,5} (?:[nsew] )?(?:[a-z]+ ){1,3}(?:rd|st|ave|av|blvd|dr|hwy|ln|way|pkwy|street|road|avenue"
    r"|drive)(?![a-z]).*"
)
_WORD_NOISE = (
    rf"{_CARD}\.?[ :*]*(?:no\.? ?|nr\.? ?|ending(?: in)? ?)?{_MASK}(?![a-z0-9])"
    rf"|{_CARD}[ .:*#]{{0,3}}\d{{4}}(?![a-z0-9])"
    r"|x{2,16}\d{2,6}(?![a-z0-9])|x{4,16}(?![a-z0-9])|(?:mon|tue|wed|thu|fri|sat|sun) \d{1,2}[ap]m(?![a-z])"
    rf"|{_CURRENCY} ?\d{{1,6}}(?:[.,]\d{{3}})?[.,]\d{{2}}(?![a-z0-9])"
    r"|(?:parc(?:ela)?|cuota|cuo|rate|taksit|parcelado) ?\d{1,2}(?:/| de )\d{1,2}"
    rf"|(?:on|am|vom|du|le|op) {_DATE}(?: \d{{1,2}}[:.h]\d{{2}})?(?: (?:purchase|bcc|clp|cpm))?"
    r"|(?:id|ref|nr|auth|aut|trn|term|terminal|seq|trace|folio|rrn|tid|mid|fact|val|inv|order|txn)"
    r"(?:[:#] ?[a-z0-9\-]+|[.]? ?\d[a-z0-9]{2,}(?![a-z]))"
    r"|(?<= )(?:str|unit|filiale|fil|mag|suc|location|loc|no|nr|st)[ .#]{1,3}\d{2,6}(?![a-z0-9])"
    r"|(?:kfn|vj|ccd|web id|ppd id|kurs)[ :.]*\d[\d.,]*"
)
NOISE = re.compile(rf"(?<![a-z0-9])(?:(?=[\d#+(*])(?:{_DIGIT_NOISE})|(?=[a-z])(?:{_WORD_NOISE}))", re.ASCII)
TAIL = re.compile(
    r" des:| indn:| co id:|,? ?pas ?\d{2,4}(?![a-z0-9])|//[a-z]|\bvalue date| kurs:| sagt (?:danke|vielen)"
    r"|\bmandat(?:sref)?:|\bmandate (?:no|ref)"
    r"| end-?to-?end| eref[:+]| svwz[:+]| kref[:+]| card (?:no|ending|used)\b|\bterminal ?:|\baut\.? ?:",
    re.ASCII,
)
TRAILING_WORDS = frozenset(
    "ppd ccd bcc clp cpm pending contactless kfn vj recurring xx xxx visa mastercard dienstleistung applepay"
    " purchase parc cuota".split()
)
DOMAIN = re.compile(
    r"(?<![a-z0-9.&\-])(www\.)?((?:[a-z0-9][a-z0-9&\-]{0,40}\.){1,3}?)((?:co|com|org|net|gov|ac|gob|edu)\.[a-z]{2}|com"
    r"|net|org|co|io|de|fr"
    r"|uk|ca|au|eu|nl|it|es|ru|ua|kz|app|shop|store|online|info|biz|tv|me|us|in|br|mx|ar|cl|pl|cz|ro|tr|gr|se|no|dk|fi"
    r"|be|ch|at|jp|cn|kr|ie|pt|hu"
    r"|ai|gg|to|ly|pay|site|club|world|gov|edu|travel|cloud|dev|sg|my|id|ph|th|vn|za|ng|ke|ae|il|nz|xyz"
    r"|co)(?![a-z0-9.])(/[a-z0-9#\-_/]*)?",
    re.ASCII,
)
INITIALS = re.compile(r"(?<![A-Za-z0-9])(?:[A-Za-z]\. ?){2,8}(?![a-z])")
SHORT_PAIR = re.compile(r"(?<![A-Za-z0-9])([A-Za-z]{1,2}) ?& ?([A-Za-z]{1,2})(?![A-Za-z0-9])")
TOLL_FREE_NAME = re.compile(r"(?<![0-9])1[ \-]?(8\d\d)[ \-]?(?=[a-z])", re.IGNORECASE)
PADDED_PLACE = re.compile(r"(?<=\S) {3,}(?:(?:[A-Za-z.'\-]{1,16} ){0,2}[A-Za-z.'\-]{1,16} +)?([A-Za-z]{2,3})\s*$")

# --- regions and countries -----------------------------------------------------------------------

REGIONS = frozenset(
    "al ak az ar ca co ct de fl ga hi id il in ia ks ky la me md ma mi mn ms mo mt ne nv nh nj nm ny nc nd oh ok or pa"
    " ri sc sd tn tx"
    " ut vt va wa wv wi wy dc pr on qc bc ab mb sk ns nb nl pe yt nt nu nsw vic qld sa tas act"
    " us usa gb gbr uk ie irl can aus au nz nzl deu fr fra es esp it ita nld be bel ch che at aut se swe no nor dk dnk"
    " fi fin pt prt"
    " pl pol cz cze hu hun ro rou gr grc tr tur ru rus ua ukr isr ae are sau za zaf ind sg sgp my mys th tha jp jpn kr"
    " kor cn chn hk hkg"
    " tw twn br bra mx mex arg cl chl col per lu lux bg bgr hr hrv rs srb si svn svk lt ltu lv lva ee est is isl kz"
    " kaz by blr ge geo az aze"
    " am arm uz uzb eg egy ng nga ke ken gh gha mar tun tza uga phl ph vn vnm idn pak pk bgd bd lka np npl qat qa kwt"
    " kw bhr bh omn jor lbn"
    " cri cr pan gtm ecu ec ury uy pry py bol bo dom do ven ve slv hnd nic jam tto mlt mt cyp cy mc mco mac mo ns lnd"
    " sp rj mg rs df cdmx jal nle".split()
)
WORDS_TOO = frozenset(
    "ab tur co in or me us la de it no be at es act can per id ma pa sa se al ar pe hi ok oh is as to my so do am mo"
    " mt ms md mar ge si by est pan col"
    " geo arm are fin and sp mg rs py mc mac per ind tun nic dom ven sc ch on ga il pr st ai ph ab ec ken ns lt nl mi"
    " bc df bo is che man ne id"
    " ca cl ri va wa az".split()
) - frozenset("ca on wa az va ga il pr bc nl ns mi cl ri ch".split())
"""Codes that also are ordinary words or legal forms: they go only behind a city or a wide gap."""

COUNTRIES = frozenset(
    "united kingdom|united states|united arab emirates|great britain|england|scotland|wales|northern"
    " ireland|ireland|germany|deutschland"
    "|france|spain|espana|italy|italia|portugal|netherlands|nederland|belgium|belgie|belgique|switzerland|schweiz|suisse|austria|osterreich|sweden|sverige"
    "|norway|norge|denmark|danmark|finland|suomi|poland|polska|czech"
    " republic|czechia|hungary|romania|greece|turkey|turkiye|russia|russian federation|ukraine"
    "|kazakhstan|israel|saudi arabia|egypt|south africa|nigeria|kenya|india|china|hong kong|taiwan|japan|south"
    " korea|korea|singapore|malaysia|thailand"
    "|vietnam|indonesia|philippines|australia|new"
    " zealand|canada|mexico|brazil|brasil|argentina|chile|colombia|peru|uruguay|luxembourg|croatia|serbia"
    "|slovenia|slovakia|bulgaria|lithuania|latvia|estonia|iceland|qatar|kuwait|bahrain|oman|jordan|lebanon"
    "|morocco|pakistan|bangladesh|sri lanka"
    "|california|texas|florida|new york|illinois|washington|ontario|quebec|british columbia|alberta|new south"
    " wales|victoria|queensland".split("|")
)

BEFORE_PLACE_NAMES = frozenset(
    "of de del da do di du des la le el los las the and in at im am zu von van der den den den auf a al to for by near"
    " st saint san santa"
    " air bank banco banca banque hotel hostel cafe bar restaurant ristorante trattoria pizzeria pizza fc cf ac as sc"
    " royal new old north south east west"
    " university universidad universite universitat museum museo musee city stadt airport aeroport aeropuerto"
    " flughafen port theatre opera metro"
    " radio visit i love little grand real club casino zoo gare bahnhof station radisson hilton sheraton marriott"
    " tube".split()
)
"""Words that a place name completes: `Bank of Baroda`, `Hotel Paris`."""

COUNTRY_ENDINGS = frozenset(name.rsplit(" ", 1)[-1] for name in COUNTRIES)

AMBIGUOUS_PLACES = frozenset(
    "reading bath nice orange split hull eden cork derby aurora victoria columbia independence tours brest nancy male"
    " lens bari como corona"
    " garland troy surprise bar wells sale rugby lancaster bury union bend salon mission crystal lincoln jackson"
    " washington franklin clinton salem dover"
    " augusta savannah alexandria marion logan hamilton nelson kent chester stone crown sparks pearl golden fountain"
    " diamond concord trinity"
    " kingston newport brandon chandler irving mesa gilbert plano henderson tyler carson clayton lakewood spring palm"
    " sunrise weston coral delta regal marina"
    " batman van allen central martin most aba jos george normal davis bryan hue moore solo serra salto vista keller"
    " temple parker natal pilar taipa halle"
    " manta essen hurst humble natick sutton elizabeth franca maia lugo leon latina mascot paulista americana angeles"
    " carolina soledad sandy bello armenia"
    " chia minato castle antigua sucre bali goa lagos santos douglas tigre salina apex boone ely ede oss ennis moers"
    " hamm worms ulm biel thun sion hamar"
    " moss faro valencia florence buffalo windsor oxford cambridge warwick perth "
    " laurel holon hove harrow stockton conway corby crewe dudley barry ayr frisco rome havana verona vienna riviera"
    " palermo"
    " monaco hollywood beverly brooklyn manhattan broadway chelsea kensington camden bristol carlton bedford windham"
    " bali cuba genoa "
    " siena capri sorrento granada toledo corfu santorini mykonos rhodes antalya "
    " casablanca marrakech agadir tangier bombay madras goa calcutta kashmir saigon peking"
    " canton bollywood york montana dakota cancun acapulco jalisco veracruz oaxaca"
    " puebla michoacan galicia algarve bodrum pattaya phuket krabi samui ubud kuta seminyak baguio andorra palma ibiza"
    " sparta olympia corinth delphi eagan norman bowie flint canton dayton preston clifton melrose stratford"
    " avondale".split()
)
"""Places whose names also are words, persons or the names of shops (`Pizzeria Roma`): see `text._city_length`."""
