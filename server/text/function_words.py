"""The short words that a language cannot do without, for languages in Latin script.

Left out is what names and other languages' texts are full of ("de", "la", "van", "in"), and what is
an English word as well ("die", "was", "so").
"""

# By ISO 639 code: the language's English name, and its words in lower case.
_FUNCTION_WORDS = {
    "en": (
        "English",
        (
            "the of and to is that for it with as are be this by from at or which have not but you "
            "we can has will their they its these more when your if our was were been an on into"
        ),
    ),
    "de": (
        "German",
        (
            "der die und das den dem ist nicht mit sich auf für von ein eine einen einem einer "
            "wird auch wurde werden bei nach durch über wie aber oder haben sind zum zur kann dass "
            "als sie im des noch nur vor aus unter diese"
        ),
    ),
    "fr": (
        "French",
        (
            "le les des et est une dans pour qui que du par sur avec pas ce cette sont au aux il "
            "elle nous vous plus été ses leur mais comme ont être tout peut fait ces ne à où"
        ),
    ),
    "es": (
        "Spanish",
        (
            "el los las y que del una por para con es su lo como más pero sus al fue este ha esta "
            "entre cuando muy sin sobre también hasta desde está son ser porque un se nos"
        ),
    ),
    "pt": (
        "Portuguese",
        (
            "que não uma os do da em para com por mais dos das ao aos à é foi pela pelo como mas "
            "são ser tem seu sua ou quando muito já também só nos na um isso entre até está"
        ),
    ),
    "it": (
        "Italian",
        (
            "il di che è per una sono della dei delle nel alla con non gli si più anche come dal "
            "del ha questo questa ma lo al degli dalla nella ed essere stato sua suo le un"
        ),
    ),
    "nl": (
        "Dutch",
        (
            "het een van die dat niet zijn voor met aan ook als er maar naar heeft hij bij deze "
            "wordt worden nog uit wel dan zich door om kan werd tot zij je wij ze en de te"
        ),
    ),
    "sv": (
        "Swedish",
        (
            "och att det som på är av för med den till har de inte om ett han men från vi så kan "
            "när år under också efter eller nu där vid mot ska skulle ut finns"
        ),
    ),
    "da": (
        "Danish",
        (
            "og at det er på af til en den som har med ikke der de et om han var men fra sig vi så "
            "kan eller skal efter også blev når ved mod nu være"
        ),
    ),
    "no": (
        "Norwegian",
        (
            "og at det er på av til en den som har med ikke de et om han var men fra seg vi så kan "
            "eller skal etter også ble når ved mot nå være jeg"
        ),
    ),
    "pl": (
        "Polish",
        (
            "w i na z się nie że do jest o to jak ale po co tak za od przez który która które są "
            "oraz może dla już był było przy tym tego ich jego także lub"
        ),
    ),
    "cs": (
        "Czech",
        (
            "v na se že je s z do o to i k jako za pro ale by po jsou byl není nebo jeho který "
            "která které při také už však jen až podle jsem mezi být"
        ),
    ),
    "ro": (
        "Romanian",
        (
            "și în de la cu nu pe este o mai din un pentru că a fost ca sunt sau ce dar după "
            "au fi se prin al lui între această acest"
        ),
    ),
    "hu": (
        "Hungarian",
        (
            "a az és hogy nem egy is ez van meg csak már mint de volt el ha még azt aki lehet vagy "
            "amely után között ezt szerint fel kell"
        ),
    ),
    "fi": (
        "Finnish",
        (
            "ja on ei että se oli hän mutta ovat myös kun joka sen mukaan kuin ole niin jos vain "
            "tai sekä olisi voi ne jotka tämä joka mitä"
        ),
    ),
    "tr": (
        "Turkish",
        (
            "ve bir bu için ile da de daha çok olarak en gibi kadar sonra olan ne var ama ya değil "
            "her oldu ise şey göre"
        ),
    ),
    "id": (
        "Indonesian or Malay",
        (
            "yang dan di dengan untuk dari ini pada itu tidak akan dalam adalah ke oleh juga "
            "karena ada atau sebagai telah mereka dapat bisa saya kami kita"
        ),
    ),
    "vi": (
        "Vietnamese",
        (
            "và của là các có được cho trong không một những với người này đã khi từ đến về như để "
            "ra tại cũng vào phải sẽ làm trên nhiều"
        ),
    ),
}

NAMES = {code: name for code, (name, _) in _FUNCTION_WORDS.items()}
LANGUAGES_OF_WORD: dict[str, list[str]] = {}
for _code, (_, _words) in _FUNCTION_WORDS.items():
    for _word in sorted(set(_words.split())):
        LANGUAGES_OF_WORD.setdefault(_word, []).append(_code)

# Codes of languages that cannot be told apart by these words, each with the code it goes by above.
ALIASES = {"nb": "no", "nn": "no", "ms": "id", "sk": "cs", "in": "id"}
