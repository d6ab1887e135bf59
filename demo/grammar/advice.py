"""Advice and recommendations, and comparisons of two things."""

from __future__ import annotations

import random
from dataclasses import dataclass

from demo.grammar.core import Talk, expand, pick
from demo.grammar.frames import first_turn, follow_turn, next_reply, reply, thanks


@dataclass(frozen=True)
class Wish:
    """What somebody wants, as it stands before "-teko" (`goal`) and as a clause; tips are imperatives in the participle."""

    topic: str
    goal: str
    says: str
    tips: tuple[str, ...]


WISHES = (
    Wish("osasuna", "hobeto lo egiteko", "gaizki egiten dut lo", ("oheratu ordu berean egunero", "utzi telefonoa logelatik kanpo", "ez hartu kaferik arratsaldean", "irakurri pixka bat ohean", "afaldu arin eta goiz")),
    Wish("osasuna", "estresa gutxitzeko", "estres handia daukat", ("ibili egunean ordu erdi", "hartu arnasa sakon", "esan ezetz ezin duzunean", "hitz egin lagun batekin", "antolatu lanak zerrenda batean")),
    Wish("osasuna", "katarroa pasatzeko", "katarroa daukat", ("hartu edari beroak", "egin atseden", "edan ur asko", "erabili zapiak eta garbitu eskuak", "joan medikuarengana sukarra baduzu")),
    Wish("osasuna", "osasuntsu jateko", "hobeto jan nahi dut", ("jan barazkiak egunero", "edan ura azukredun edarien ordez", "prestatu janaria etxean", "jan poliki", "hartu fruta postrerako")),
    Wish("kirola", "sasoian jartzeko", "sasoi txarrean nago", ("hasi ibiltzen egunero", "igo eskailerak oinez", "aukeratu gustuko kirol bat", "egin lagun batekin", "izan pazientzia")),
    Wish("kirola", "mendian segurtasunez ibiltzeko", "mendira joan nahi dut", ("begiratu eguraldia", "eraman ura eta janaria", "esan nora zoazen", "jantzi bota egokiak", "buelta eman ekaitza badator")),
    Wish("hizkuntzak", "euskara ikasteko", "euskara ikasten ari naiz", ("hitz egin egunero norbaitekin", "entzun irratia", "irakurri liburu errazak", "eman izena euskaltegian", "ez izan lotsarik akatsak egiteko", "abestu kantak")),
    Wish("hizkuntzak", "hizkuntza bat ez ahazteko", "hizkuntza ahazten ari zait", ("ikusi filmak hizkuntza horretan", "idatzi eguneroko bat", "aurkitu mintzakide bat", "irakurri albisteak")),
    Wish("diru-kontuak", "dirua aurrezteko", "ezin dut aurreztu", ("gorde zati bat hil hasieran", "apuntatu gastuak", "prestatu bazkaria etxean", "utzi harpidetzak", "itxaron egun bat ezer erosi aurretik")),
    Wish("diru-kontuak", "argi gutxiago gastatzeko", "argindarraren faktura garestia da", ("itzali argiak gelatik ateratzean", "jarri LED bonbillak", "erabili garbigailua beteta", "jaitsi berogailua gradu bat", "itzali gailuak gauez")),
    Wish("lana", "lana aurkitzeko", "lan bila nabil", ("eguneratu curriculuma", "galdetu ezagunei", "begiratu iragarkiak goizero", "prestatu elkarrizketak", "egin ikastaro labur bat")),
    Wish("lana", "hobeto antolatzeko lanean", "lan gehiegi daukat", ("idatzi eguneko hiru lan nagusiak", "itzali jakinarazpenak", "egin gauza bat aldi bakoitzean", "hartu atseden laburrak", "eskatu laguntza")),
    Wish("eskola", "azterketak ondo prestatzeko", "azterketak ditut laster", ("banatu gaiak egunka", "egin laburpenak", "ikasi leku lasai batean", "azaldu lagun bati", "egin lo ondo bezperan")),
    Wish("eskola", "klasean arreta izateko", "klasean despistatu egiten naiz", ("eseri aurrean", "hartu apunteak", "galdetu zalantzak", "gosaldu ondo", "utzi telefonoa motxilan")),
    Wish("liburuak", "gehiago irakurtzeko", "gutxi irakurtzen dut", ("eraman beti liburu bat aldean", "irakurri hamar minutu oheratu aurretik", "utzi gustatzen ez zaizun liburua", "sartu irakurle-talde batean", "joan liburutegira")),
    Wish("musika", "kantuan hobetzeko", "kantuan hobetu nahi dut", ("berotu ahotsa", "hartu arnasa sabeletik", "grabatu zure burua", "kantatu abesbatza batean", "edan ura")),
    Wish("bidaiak", "merke bidaiatzeko", "diru gutxi daukat bidaiatzeko", ("bidaiatu udatik kanpo", "erosi txartelak goiz", "hartu trena edo autobusa", "egin lo aterpetxeetan", "prestatu ogitartekoak")),
    Wish("bidaiak", "haurrekin bidaiatzeko", "haurrekin bidaia egingo dut", ("egin geldialdiak", "eraman jolas txikiak", "hartu jateko zerbait", "egin plan lasaiak", "utzi haiei ere aukeratzen")),
    Wish("etxea eta garbiketa", "etxea txukun edukitzeko", "etxea nahasita daukat beti", ("egin pixka bat egunero", "jarri gauza bakoitza bere lekuan", "banatu lanak etxekoen artean", "eman erabiltzen ez duzuna", "egin ohea goizero")),
    Wish("etxea eta garbiketa", "hezetasuna kentzeko", "etxean hezetasuna dago", ("ireki leihoak goizero", "ez lehortu arropa gela itxian", "garbitu lizuna ozpinarekin", "jarri hezetasun-kengailu bat", "utzi tartea altzariaren eta hormaren artean")),
    Wish("sukaldaritza", "sukaldean azkar ibiltzeko", "ez daukat denborarik sukaldatzeko", ("prestatu asteko menua", "izoztu janaria anoetan", "erabili lapiko azkarra", "garbitu sukaldatu bitartean", "zorroztu aiztoak")),
    Wish("sukaldaritza", "janaririk ez botatzeko", "janari asko botatzen dut", ("egin erosketa-zerrenda", "begiratu iraungitze-datak", "izoztu sobratzen dena", "egin zopa barazki zaharrekin", "zerbitzatu anoa txikiak")),
    Wish("teknologia", "telefonoa gutxiago erabiltzeko", "telefonoarekin denbora asko galtzen dut", ("kendu jakinarazpenak", "utzi beste gela batean", "ezabatu behar ez diren aplikazioak", "jarri ordu-muga bat", "erosi iratzargailu bat")),
    Wish("teknologia", "Interneten seguru ibiltzeko", "Interneten kezkatuta nabil", ("erabili pasahitz luzeak", "ez ireki mezu arraroak", "eguneratu programak", "ez eman daturik ezezagunei", "egin kopiak")),
    Wish("landareak eta baratzea", "landareak bizirik edukitzeko", "landareak hiltzen zaizkit", ("ez bota ur gehiegi", "jarri argitan", "aldatu loreontzia txiki gelditzean", "kendu hosto lehorrak", "begiratu zomorrorik ote dagoen")),
    Wish("animaliak", "txakur bat hartzeko", "txakur bat hartu nahi dut", ("pentsatu zenbat denbora duzun", "galdetu babes-etxean", "prestatu leku bat etxean", "kontatu albaitariaren gastuak", "erabaki familia osoarekin")),
    Wish("familia eta lagunak", "lagunekin haserreak konpontzeko", "lagun batekin haserretu naiz", ("itxaron lasaitu arte", "entzun haren arrazoiak", "eskatu barkamena oker bazaude", "hitz egin aurrez aurre", "ez sartu besterik tartean")),
    Wish("familia eta lagunak", "opari bat aukeratzeko", "ez dakit zer oparitu", ("pentsatu haren gustuetan", "egin zerbait zeure eskuz", "oparitu elkarrekin egiteko plan bat", "galdetu haren lagunei", "aukeratu liburu bat")),
    Wish("jaiak eta ohiturak", "festa ona antolatzeko", "festa bat antolatu behar dut", ("banatu lanak", "aukeratu musika alaia", "prestatu jaki errazak", "abisatu auzokideei", "izan B plan bat eurirako")),
    Wish("natura", "natura zaintzeko", "natura zaindu nahi dut", ("ez utzi zaborrik mendian", "erabili garraio publikoa", "birziklatu etxean", "landatu zuhaitz bat", "aurreztu ura")),
    Wish("eguraldia", "beroa hobeto eramateko", "bero handia egiten du", ("edan ur asko", "itxi pertsianak egunez", "ez egin kirolik eguerdian", "jantzi arropa arina", "bilatu itzala")),
    Wish("eguraldia", "hotzari aurre egiteko", "hotz handia egiten du", ("jantzi geruzaka", "hartu zopa beroak", "estali burua eta lepoa", "mugitu pixka bat", "itxi ondo leihoak")),
    Wish("zientzia", "haurrak zientziara hurbiltzeko", "alabari zientzia gustatzen zaio", ("egin esperimentu txikiak etxean", "joan museo batera", "begiratu zerura gauez", "irakurri elkarrekin", "erantzun galdera guztiei")),
    Wish("matematika", "kontuak azkarrago egiteko", "kontuak gaizki egiten ditut", ("ikasi biderketa-taulak", "praktikatu egunero pixka bat", "borobildu zenbakiak", "banatu eragiketa zati txikitan", "egiaztatu emaitza")),
    Wish("historia", "herriko historia ezagutzeko", "herriko historia jakin nahi dut", ("galdetu adinekoei", "joan artxibora", "bisitatu museoa", "begiratu argazki zaharrak", "irakurri kale-izenak")),
)  # fmt: skip

_ASKS = (
    "Eman {goal} [aholku bat|aholku batzuk|gomendio batzuk][.|, mesedez.]", "Emango dizkidazu {goal} aholku batzuk?", "Zer egin dezaket {goal}?",
    "Zer gomendatzen didazu {goal}?", "Lagundu {goal}.", "Zer komeni da {goal}?", "Esan {goal} [zerbait erabilgarria|bi aholku|hiru aholku].",
    "{Says}. [Zer egin dezaket?|Lagunduko didazu?|Zer gomendatzen didazu?|Aholkurik?|Zer egingo zenuke zuk?]", "Nola has naiteke {goal}?",
    "Badakizu zer egin behar den {goal}?", "Idatzi {goal} [aholkuen zerrenda labur bat|hiru aholku].", "Zein da {goal} modurik onena?",
)  # fmt: skip
_DOUBTS = (
    ("[Denbora asko beharko dut?|Noiz nabarituko dut?|Luzea izango da?]", "[aste gutxitan nabarituko duzu|hilabete baten buruan ikusiko duzu aldea|pixka bat bai, baina merezi du|lehen egunetan hasiko zara nabaritzen]"),
    ("[Zaila iruditzen zait.|Ez dakit gai izango naizen.|Kosta egiten zait.]", "[hasieran kosta egiten da, gero errazten da|pausoz pauso eginez gero, ez da hain zaila|hasi txikitik|gai izango zara, lasai]"),
    ("[Egia da horrek balio duela?|Ziur zaude?|Benetan balio du horrek?]", "[bai, jende askori balio izan dio|bai, probatu eta ikusiko duzu|gehienetan bai|nik baietz esango nuke]"),
    ("[Eta denborarik ez badut?|Denbora gutxi daukat.|Eta astirik ez daukadanean?]", "[egunean hamar minutu nahikoa dira|gauza bat bakarrik egin, errazena|asteburuan egin dezakezu|aukeratu bat eta utzi besteak gerorako]"),
)  # fmt: skip


def advice(rng: random.Random) -> Talk:
    wish = pick(rng, WISHES)
    tips = rng.sample(wish.tips, len(wish.tips))
    question = expand(rng, pick(rng, _ASKS)).replace("{goal}", wish.goal).replace("{Says}", wish.says[:1].upper() + wish.says[1:])
    count = 3 if "hiru" in question else 2 if "bi aholku" in question else 1 if "aholku bat." in question or "aholku bat," in question else rng.choice((2, 3, 3))
    given = [tips.pop() for _ in range(count)]
    lead = pick(rng, ("", "", f"{wish.goal}, hau egingo nuke", "nire aholkuak hauek dira" if count > 1 else "nire aholkua hau da", "saiatu honekin"))
    links = (("lehenengo, ", "lehenik, ", "", "hasteko, "), ("gero, ", "bestalde, ", "bigarrena, ", "gainera, "), ("azkenik, ", "eta, ahal baduzu, ", "hirugarrena, ", "era berean, "))
    body = [pick(rng, links[i]) + tip for i, tip in enumerate(given)] if count > 1 else given
    turns = [first_turn(rng, question, context=0.06), reply(rng, f"{lead}: {body[0]}" if lead else body[0], *body[1:])]
    for follow_up in rng.sample(("more", "one", "hard"), rng.choice((0, 1, 1, 2))):
        if follow_up == "more" and tips:
            turns += [follow_turn(rng, "[Eta besterik?|Eman beste bat.|Aholku gehiago?|Beste zerbait?|Eta hori nahikoa ez bada?|Saiatu naiz, baina ezin dut. Beste ideiarik?]"), next_reply(rng, pick(rng, ("", "beste aukera bat: ", "hau ere egin dezakezu: ", "ba, adibidez: ")) + tips.pop(), pick(rng, ("", "askori lagundu die horrek", "poliki-poliki nabarituko duzu", "ez galdu itxaropenik")))]
        elif follow_up == "one":
            turns += [follow_turn(rng, "[Zein da garrantzitsuena?|Bakarra aukeratuta, zein?|Nondik hasi?|Zein da errazena?|Eta lehenengo zer egingo zenuke?]"), next_reply(rng, pick(rng, ("nik honekin hasiko nintzateke: ", "garrantzitsuena, nire ustez: ", "lehenengo hau: ", "erraza eta ona: ")) + pick(rng, given), pick(rng, ("", "gainerakoa gero etorriko da", "hori egin eta gero ikusiko duzu", "hortik abiatu")))]
        elif follow_up == "hard":
            ask, answer = pick(rng, _DOUBTS)
            rest = pick(rng, ("animo", "izan pazientzia", "norbaitekin eginda, hobeto", "", "ez etsi"))
            turns += [follow_turn(rng, ask), next_reply(rng, answer, rest, opening=0)]
    if rng.random() < 0.12:
        turns += thanks(rng)
    return Talk(wish.topic, tuple(turns))


@dataclass(frozen=True)
class Pair:
    """Two things and what is different; `one` and `two` are definite, `both` says what they share."""

    topic: str
    one: str
    two: str
    of_one: tuple[str, ...]
    of_two: tuple[str, ...]
    both: tuple[str, ...]


PAIRS = (
    Pair("animaliak", "katua", "txakurra", ("bere kabuzkoagoa da", "garbia eta isila da"), ("konpainia gehiago eskatzen du", "egunero kalera atera behar da"), ("lagun onak dira biak", "biek behar dute maitasuna")),
    Pair("animaliak", "igela", "apoa", ("azal leuna eta hezea du", "ur ondoan bizi da"), ("azal lehorra eta garatxoduna du", "lurrean gehiago ibiltzen da"), ("biak anfibioak dira", "biek jaten dituzte intsektuak")),
    Pair("bidaiak", "trena", "autobusa", ("erosoagoa da bidaia luzeetan", "ez du auto-ilararik izaten"), ("herri gehiagotara iristen da", "merkeagoa izan ohi da"), ("biak dira garraio publikoa", "biek gutxiago kutsatzen dute autoak baino")),
    Pair("bidaiak", "itsasoa", "mendia", ("bainatzeko aukera ematen du", "beroa egiten duenean egokia da"), ("ibiltzeko eta arnasteko leku ona da", "freskoagoa da udan"), ("bietan deskantsatzen da", "biak gertu ditugu Euskal Herrian")),
    Pair("liburuak", "eleberria", "ipuina", ("luzeagoa da", "pertsonaia gehiago izaten ditu"), ("laburra da", "eserialdi batean irakurtzen da"), ("biek istorio bat kontatzen dute", "biek irudimena behar dute")),
    Pair("liburuak", "paperezko liburua", "liburu elektronikoa", ("ez du bateriarik behar", "eskuan hartzea atsegina da"), ("arina da eta toki gutxi hartzen du", "letra handitu daiteke"), ("biekin irakurtzen da gustura",)),
    Pair("musika", "pianoa", "gitarra", ("teklak ditu", "handia da eta ezin da erraz eraman"), ("sei soka ditu", "edonora eraman daiteke"), ("biekin akordeak jotzen dira", "ikasteko ordu asko behar dira")),
    Pair("musika", "txistua", "alboka", ("esku bakarrarekin jotzen da", "danbolinarekin batera jotzen da"), ("adar batez egina dago", "arnasa eten gabe jotzen da"), ("biak euskal haize-tresnak dira",)),
    Pair("kirola", "futbola", "saskibaloia", ("oinekin jokatzen da", "hamaika jokalari ditu talde bakoitzak"), ("eskuekin jokatzen da", "bost jokalari ditu talde bakoitzak"), ("biak talde-kirolak dira", "biek baloia behar dute")),
    Pair("kirola", "ibiltzea", "korrika egitea", ("artikulazioentzat goxoagoa da", "edonork egin dezake"), ("energia gehiago gastatzen du", "denbora gutxiagoan egiten da"), ("biak onak dira bihotzarentzat",)),
    Pair("eguraldia", "ekaitza", "zaparrada", ("tximistak eta trumoiak ekartzen ditu", "haize handia izaten du"), ("euri labur eta gogorra da", "minutu batzuetan amaitzen da"), ("bietan bustitzen da bat", "biak ohikoak dira udan")),
    Pair("eguraldia", "elurra", "txingorra", ("maluta bigunetan erortzen da", "hotz egin behar du lurrean irauteko"), ("izotz-bola gogorretan erortzen da", "uztak honda ditzake"), ("biak ur izoztua dira",)),
    Pair("sukaldaritza", "olioa", "gurina", ("olibatik ateratzen da", "likidoa da"), ("esnetik ateratzen da", "hozkailuan gorde behar da"), ("biak erabiltzen dira frijitzeko", "biak koipeak dira")),
    Pair("sukaldaritza", "mamia", "jogurta", ("gatzagiarekin egiten da", "ardi-esnez egin ohi da"), ("bakterioekin hartzitzen da", "garratzagoa da"), ("biak esnekiak dira", "biak eztiarekin jan daitezke")),
    Pair("zientzia", "Eguzkia", "Ilargia", ("izar bat da", "bere argia sortzen du"), ("Lurraren satelitea da", "Eguzkiaren argia islatzen du"), ("biak zeruan ikusten dira",)),
    Pair("zientzia", "izarra", "planeta", ("bere argia sortzen du", "gas beroz egina dago"), ("izar baten inguruan biratzen du", "ez du argirik sortzen"), ("biak espazioan daude",)),
    Pair("teknologia", "ordenagailua", "tableta", ("teklatua du", "lan luzeetarako egokiagoa da"), ("arina da", "ukimen-pantaila du"), ("biekin nabiga daiteke Interneten",)),
    Pair("historia", "Erdi Aroa", "Antzinaroa", ("gazteluen eta monasterioen garaia izan zen", "mila urte inguru iraun zuen"), ("Greziaren eta Erromaren garaia izan zen", "idazketarekin hasi zen"), ("biak historiaren aro handiak dira",)),
    Pair("geografia", "ibaia", "erreka", ("handiagoa da", "itsasora iritsi ohi da"), ("txikiagoa da", "ibai batera isurtzen da"), ("biek ur geza daramate",)),
    Pair("geografia", "uhartea", "penintsula", ("urez inguratuta dago alde guztietatik", "itsasontziz edo hegazkinez iristen da"), ("lurrari lotuta dago alde batetik", "ia osorik dago urez inguratuta"), ("biek kostalde luzea dute",)),
    Pair("diru-kontuak", "aurreztea", "inbertitzea", ("dirua gordetzea da", "arrisku txikiagoa du"), ("dirua lanean jartzea da", "arrisku handiagoa du"), ("biak etorkizunerako egiten dira",)),
    Pair("lana", "lanaldi osoa", "lanaldi erdia", ("soldata handiagoa ematen du", "ordu gehiago eskatzen ditu"), ("denbora libre gehiago uzten du", "soldata txikiagoa du"), ("biek kontratua behar dute",)),
    Pair("matematika", "karratua", "laukizuzena", ("lau alde berdin ditu",), ("aldeak binaka ditu berdinak",), ("biek lau angelu zuzen dituzte", "biek lau alde dituzte")),
    Pair("jaiak eta ohiturak", "aurreskua", "fandangoa", ("ohorezko dantza da", "pertsona baten aurrean dantzatzen da"), ("binaka dantzatzen da", "alaia eta azkarra da"), ("biak euskal dantzak dira",)),
    Pair("landareak eta baratzea", "zuhaitza", "zuhaixka", ("enbor bakarra du", "askoz garaiagoa da"), ("adarrak lurretik bertatik ateratzen zaizkio", "txikiagoa da"), ("biek zura dute",)),
    Pair("hizkuntzak", "hizkuntza", "euskalkia", ("arau batuak izan ohi ditu", "herri oso batek erabiltzen du"), ("hizkuntza baten aldaera da", "lurralde bakoitzak berea du"), ("biak dira aberatsak",)),
)  # fmt: skip


def comparisons(rng: random.Random) -> Talk:
    pair = pick(rng, PAIRS)
    swap = rng.random() < 0.5
    one, two = (pair.two, pair.one) if swap else (pair.one, pair.two)
    of_one, of_two = (pair.of_two, pair.of_one) if swap else (pair.of_one, pair.of_two)
    gen_one, gen_two = f"{one}ren", f"{two}ren"
    ask = pick(rng, (f"Zer alde dago {gen_one} eta {gen_two} artean?", f"Zertan dira desberdinak {one} eta {two}?", f"Azaldu zer alde dagoen {gen_one} eta {gen_two} artean.", f"Zein da hobea, {one} ala {two}?", f"Badakizu zertan bereizten diren {one} eta {two}?", f"Esan zer alde dagoen {gen_one} eta {gen_two} artean.", f"Nola bereizten dira {one} eta {two}?", f"Konparatu {one} eta {two}.", f"Lagundu bereizten {one} eta {two}.", f"Eman {gen_one} eta {gen_two} arteko desberdintasun bat.", f"Zer nahiago duzu, {one} ala {two}?"))  # fmt: skip
    first, second = pick(rng, of_one), pick(rng, of_two)
    last = pick(rng, pair.both) if rng.random() < 0.6 else ""
    shape = rng.random()
    lead = pick(rng, ("bakoitzak bere alde ona du", "zure beharren araberakoa da", "ez dago bata bestea baino hobea beti")) if ("hobea" in ask or "nahiago" in ask) and rng.random() < 0.8 else ""
    if shape < 0.4:
        body = [f"{one}: {first}", f"{two}: {second}"]
    elif shape < 0.8:
        body = [f"alde batetik, {one}: {first}", f"bestetik, {two}: {second}"]
    else:
        body = [f"{one} begiratuta, {first}", f"{two} begiratuta, aldiz, {second}"]
    turns = [first_turn(rng, ask), reply(rng, lead, *body, last)]
    for follow_up in rng.sample(("same", "which", "more"), rng.choice((0, 1, 1, 2))):
        if follow_up == "same":
            turns += [follow_turn(rng, "[Eta zer dute berdina?|Zertan dira antzekoak?|Eta antzik badute?|Zer dute komunean?]"), next_reply(rng, pick(rng, pair.both), pick(rng, ("", "horretan antzekoak dira", "gainerakoan desberdinak dira", "hori da antza nagusia")))]
        elif follow_up == "which":
            turns += [follow_turn(rng, "[Zuk zein aukeratuko zenuke?|Eta zein gomendatzen didazu?|Zein nahiago duzu?|Bat aukeratu behar banu?]"), next_reply(rng, pick(rng, (f"nik {one} aukeratuko nuke: {first}", f"zalantzarik gabe, {two}: {second}", f"gaur {one}, bihar {two}", f"zailtxoa da, baina {two} esango nuke: {second}")), pick(rng, ("", "baina zure gustua da garrantzitsuena", "zuk erabaki", "biak probatzea da onena")))]
        else:
            turns += [follow_turn(rng, f"[Esan zerbait gehiago {one}ri buruz.|Eta {one}? Zer gehiago?|Zer gehiago dakizu?]"), next_reply(rng, pick(rng, (f"{one}: {of_one[-1]}", f"{one} aipatzekoa da: {of_one[-1]}")), pick(rng, ("", f"{two}, berriz: {of_two[-1]}")))]
    if rng.random() < 0.08:
        turns += thanks(rng)
    return Talk(pair.topic, tuple(turns))
