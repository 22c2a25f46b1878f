"""Tables of places: cities with the popularity of their labour market, states, countries.

Popularity is in [0, 1], in steps: an editorial ranking by size of the metropolitan labour
market and by how many technology and finance employers it has. Codes are stable: ISO 3166-1
numeric for countries, FIPS 5-2 for the states of the USA.
"""

import unicodedata
from typing import NamedTuple


class City(NamedTuple):
    """A city: popularity of its market in [0, 1], country code, state code (0 outside the USA)."""

    popularity: float
    country: int
    state: int


def fold(text: str) -> str:
    """Return a text as places are compared: lower case, without accents, single spaces.

    >>> fold(" São  Paulo ")
    'sao paulo'
    """
    if not text.isascii():
        text = "".join(
            mark for mark in unicodedata.normalize("NFKD", text) if not unicodedata.combining(mark)
        )
    return " ".join(text.lower().replace(".", "").split())


USA, CANADA = 840, 124

STATES: dict[str, int] = {}
STATE_ABBREVIATIONS: dict[str, int] = {}
for _line in (
    """
1 AL Alabama|2 AK Alaska|4 AZ Arizona|5 AR Arkansas|6 CA California|8 CO Colorado|9 CT Connecticut
10 DE Delaware|11 DC District of Columbia|12 FL Florida|13 GA Georgia|15 HI Hawaii|16 ID Idaho
17 IL Illinois|18 IN Indiana|19 IA Iowa|20 KS Kansas|21 KY Kentucky|22 LA Louisiana|23 ME Maine
24 MD Maryland|25 MA Massachusetts|26 MI Michigan|27 MN Minnesota|28 MS Mississippi|29 MO Missouri
30 MT Montana|31 NE Nebraska|32 NV Nevada|33 NH New Hampshire|34 NJ New Jersey|35 NM New Mexico
36 NY New York|37 NC North Carolina|38 ND North Dakota|39 OH Ohio|40 OK Oklahoma|41 OR Oregon
42 PA Pennsylvania|44 RI Rhode Island|45 SC South Carolina|46 SD South Dakota|47 TN Tennessee
48 TX Texas|49 UT Utah|50 VT Vermont|51 VA Virginia|53 WA Washington|54 WV West Virginia
55 WI Wisconsin|56 WY Wyoming|72 PR Puerto Rico
""".replace("\n", "|")
    .strip("|")
    .split("|")
):
    _code, _abbreviation, _name = _line.split(" ", 2)
    STATES[fold(_name)] = STATE_ABBREVIATIONS[_abbreviation.lower()] = int(_code)

# Country codes that are state abbreviations too; a city decides which is meant.
AMBIGUOUS_CODES = {"de": 276, "in": 356, "ca": 124, "il": 376, "co": 170, "ar": 32, "id": 360}
STATES["washington dc"] = STATE_ABBREVIATIONS["dc"]

# Provinces tell that a place is in Canada.
_PROVINCES = """
on,qc,bc,ab,mb,sk,ns,nb,nl,pe,ontario,quebec,alberta,manitoba,saskatchewan,british columbia
nova scotia,new brunswick,newfoundland and labrador
"""
PROVINCES = frozenset(_PROVINCES.strip().replace("\n", ",").split(","))

COUNTRIES: dict[str, int] = {}
for _line in (
    """
840 us|usa|united states|united states of america|estados unidos|états-unis|vereinigte staaten
826 uk|gb|united kingdom|great britain|england|scotland|wales|northern ireland
124 canada|kanada; 276 germany|deutschland|allemagne|alemania; 250 fr|france|frankreich|francia
724 es|spain|españa|spanien; 380 italy|italia|italien; 528 nl|netherlands|nederland|holland
56 be|belgium|belgië|belgique|belgien; 756 ch|switzerland|schweiz|suisse|svizzera
40 at|austria|österreich; 372 ie|ireland|irland; 620 pt|portugal; 616 pl|poland|polska|polen
203 cz|czechia|czech republic|česko; 348 hu|hungary|magyarország; 642 ro|romania|românia
752 se|sweden|sverige|schweden; 578 no|norway|norge; 208 dk|denmark|danmark; 246 fi|finland|suomi
300 gr|greece|ελλάδα; 792 tr|turkey|türkiye; 804 ua|ukraine|україна|украина; 643 ru|russia|россия
376 israel|ישראל; 784 ae|uae|united arab emirates|الإمارات; 682 sa|saudi arabia|السعودية
818 eg|egypt|مصر; 566 ng|nigeria; 404 ke|kenya; 710 za|south africa; 356 india|भारत|bharat
586 pk|pakistan|پاکستان; 50 bd|bangladesh|বাংলাদেশ; 156 cn|china|中国; 392 jp|japan|日本
410 kr|south korea|korea|대한민국|한국; 158 tw|taiwan|台灣|台湾; 344 hk|hong kong|香港
702 sg|singapore|新加坡; 458 my|malaysia; 360 indonesia; 608 ph|philippines
764 th|thailand|ประเทศไทย; 704 vn|vietnam|việt nam
36 au|australia|australien; 554 nz|new zealand; 484 mx|mexico|méxico
76 br|brazil|brasil|brasilien; 32 argentina; 152 cl|chile; 170 colombia; 604 peru|perú
""".replace("\n", ";")
    .strip(";")
    .split(";")
):
    _code, _names = _line.strip().split(" ", 1)
    COUNTRIES.update(dict.fromkeys(map(fold, _names.split("|")), int(_code)))

# Popularity, country, cities with other names after `=` and, in the USA, the state after `:`.
_CITIES = """
1.0 840 new york=new york city=nyc=manhattan=brooklyn:NY
1.0 840 san francisco=sf=bay area=silicon valley:CA
1.0 826 london=лондон=伦敦
0.9 840 los angeles=la:CA|seattle:WA|boston:MA|washington=washington dc=district of columbia:DC
0.9 840 chicago:IL|austin:TX|san jose:CA
0.9 392 tokyo=東京=东京=東京都
0.9 702 singapore=新加坡
0.9 250 paris=париж
0.9 276 berlin=берлин|munich=münchen=muenchen
0.9 124 toronto
0.9 36 sydney
0.8 840 dallas:TX|houston:TX|atlanta:GA|denver:CO|san diego:CA|miami:FL|philadelphia:PA
0.8 840 mountain view:CA|palo alto:CA|santa clara:CA|sunnyvale:CA|cambridge:MA|bellevue:WA
0.8 840 menlo park:CA|redmond:WA|cupertino:CA|oakland:CA
0.8 156 beijing=北京|shanghai=上海|shenzhen=深圳
0.8 344 hong kong=香港
0.8 410 seoul=서울
0.8 356 bangalore=bengaluru=बेंगलुरु=ಬೆಂಗಳೂರು|mumbai=bombay=मुंबई|delhi=new delhi=दिल्ली
0.8 528 amsterdam
0.8 756 zurich=zürich|geneva=genève=genf
0.8 372 dublin
0.8 752 stockholm
0.8 276 frankfurt=frankfurt am main|hamburg
0.8 784 dubai=دبي
0.8 376 tel aviv=תל אביב
0.8 124 vancouver|montreal=montréal
0.8 36 melbourne
0.8 643 moscow=москва=moskau
0.7 840 phoenix:AZ|minneapolis:MN|charlotte:NC|raleigh:NC|portland:OR|nashville:TN|orlando:FL
0.7 840 tampa:FL|salt lake city:UT|baltimore:MD|irvine:CA|arlington:VA|plano:TX|jersey city:NJ
0.7 840 detroit:MI|pittsburgh:PA|boulder:CO|durham:NC|fort worth:TX|scottsdale:AZ|reston:VA
0.7 356 hyderabad=हैदराबाद|pune|chennai=madras|gurgaon=gurugram|noida
0.7 826 manchester|edinburgh|birmingham|bristol|cambridge|oxford|leeds|glasgow
0.7 276 cologne=köln=koeln|stuttgart|düsseldorf=duesseldorf
0.7 724 madrid|barcelona
0.7 380 milan=milano|rome=roma
0.7 250 lyon
0.7 620 lisbon=lisboa
0.7 208 copenhagen=københavn=kobenhavn
0.7 578 oslo
0.7 246 helsinki
0.7 40 vienna=wien
0.7 56 brussels=bruxelles=brussel
0.7 616 warsaw=warszawa|krakow=kraków
0.7 203 prague=praha
0.7 158 taipei=台北=臺北
0.7 392 osaka=大阪
0.7 156 guangzhou=广州|hangzhou=杭州
0.7 76 são paulo
0.7 484 mexico city=ciudad de méxico=cdmx
0.7 682 riyadh=الرياض
0.7 792 istanbul=İstanbul
0.7 643 saint petersburg=st petersburg=санкт-петербург
0.7 124 calgary|ottawa
0.7 36 brisbane|perth
0.6 840 las vegas:NV|columbus:OH|st louis=saint louis:MO|kansas city:MO|san antonio:TX
0.6 840 indianapolis:IN|sacramento:CA|cincinnati:OH|cleveland:OH|milwaukee:WI|jacksonville:FL
0.6 840 richmond:VA|madison:WI|louisville:KY|oklahoma city:OK|memphis:TN|new orleans:LA
0.6 840 hartford:CT|omaha:NE|albuquerque:NM|tucson:AZ|buffalo:NY|providence:RI|boise:ID
0.6 840 irving:TX|fort lauderdale:FL|st paul=saint paul:MN|newark:NJ|honolulu:HI|long beach:CA
0.6 840 virginia beach:VA|birmingham:AL|rochester:NY|huntsville:AL|wilmington:DE|stamford:CT
0.6 840 columbia:SC|charleston:SC|greenville:SC|knoxville:TN|des moines:IA|tulsa:OK|mesa:AZ
0.6 840 tempe:AZ|chandler:AZ|aurora:CO|anaheim:CA|riverside:CA|fresno:CA|spokane:WA|tacoma:WA
0.5 840 grand rapids:MI|reno:NV|little rock:AR|colorado springs:CO|lexington:KY|albany:NY
0.5 840 chattanooga:TN|greensboro:NC|winston salem:NC|anchorage:AK|el paso:TX|bakersfield:CA
0.5 840 syracuse:NY|baton rouge:LA|new haven:CT|alexandria:VA|mclean:VA|fremont:CA|pasadena:CA
0.5 840 torrance:CA|frisco:TX|naperville:IL|santa monica:CA|burbank:CA|glendale:CA
0.5 840 santa barbara:CA|ann arbor:MI|dayton:OH|akron:OH|toledo:OH|fort wayne:IN|springfield:MO
0.5 840 princeton:NJ|hoboken:NJ|white plains:NY|bronx:NY|queens:NY|overland park:KS|wichita:KS
0.5 840 alpharetta:GA|savannah:GA|augusta:GA|west palm beach:FL|st petersburg:FL|boca raton:FL
0.5 840 gainesville:FL|tallahassee:FL|sarasota:FL|fort myers:FL|round rock:TX|the woodlands:TX
0.5 840 mobile:AL|montgomery:AL|jackson:MS|norfolk:VA|roanoke:VA|portland:ME|manchester:NH
0.5 840 burlington:VT|worcester:MA|waltham:MA|lincoln:NE|sioux falls:SD|fargo:ND|billings:MT
0.5 840 eugene:OR|vancouver:WA|henderson:NV|provo:UT|lehi:UT|fort collins:CO|trenton:NJ
0.6 356 kolkata=calcutta=कोलकाता|ahmedabad
0.6 348 budapest
0.6 642 bucharest=bucurești
0.6 300 athens=αθήνα
0.6 804 kyiv=kiev=київ=киев
0.6 710 johannesburg|cape town
0.6 566 lagos
0.6 404 nairobi
0.6 818 cairo=القاهرة
0.6 360 jakarta
0.6 608 manila=makati
0.6 764 bangkok=กรุงเทพ=กรุงเทพมหานคร
0.6 704 ho chi minh city=hồ chí minh=saigon|hanoi=hà nội
0.6 458 kuala lumpur
0.6 32 buenos aires
0.6 170 bogotá
0.6 152 santiago
0.6 604 lima
0.6 76 rio de janeiro
0.6 554 auckland
0.6 586 karachi=کراچی|lahore=لاہور
0.6 50 dhaka=ঢাকা
"""

CITIES: dict[str, list[City]] = {}
for _line in _CITIES.strip().splitlines():
    _popularity, _code, _names = _line.split(" ", 2)
    for _entry in _names.split("|"):
        _aliases, _, _state = _entry.partition(":")
        _city = City(float(_popularity), int(_code), STATE_ABBREVIATIONS.get(_state.lower(), 0))
        for _alias in _aliases.split("="):
            CITIES.setdefault(fold(_alias), []).append(_city)
