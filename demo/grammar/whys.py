"""Why is it so: questions with their reasons."""

from __future__ import annotations

import random
from dataclasses import dataclass

from demo.grammar.core import Talk, pick
from demo.grammar.frames import first_turn, follow_turn, next_reply, reply, thanks


@dataclass(frozen=True)
class Why:
    """`ask` follows "Zergatik" in a question, `told` in an indirect one; reasons and details are sentences."""

    topic: str
    ask: str
    told: str
    reasons: tuple[str, ...]
    details: tuple[str, ...]


WHYS = (
    Why("natura", "da urdina zerua", "den urdina zerua", ("airearen molekulek argi urdina gehiago barreiatzen dute", "argi urdina airean alde guztietara sakabanatzen da"), ("ilunabarrean argiak bide luzeagoa egiten du, eta gorria ikusten da", "espazioan zerua beltza da, airerik ez dagoelako", "argi zuriak kolore guztiak ditu")),
    Why("natura", "aldatzen dute kolorea hostoek udazkenean", "aldatzen duten kolorea hostoek udazkenean", ("egunak laburtzean, zuhaitzak klorofila egiteari uzten dio", "kolore berdea desagertzen da eta horia eta gorria agertzen dira"), ("hotzak eta argi gutxiak eragiten dute", "gero hostoak erori egiten dira", "pinuek, ordea, ez dute kolorea aldatzen")),
    Why("natura", "da gazia itsasoko ura", "den gazia itsasoko ura", ("ibaiek arroketako gatzak itsasora eramaten dituzte", "ura lurruntzen da, baina gatza bertan gelditzen da"), ("Itsaso Hila askoz gaziagoa da", "litro batean hogeita hamabost gramo gatz inguru daude", "horregatik ezin da edan")),
    Why("natura", "daude mareak", "dauden mareak", ("Ilargiak bere grabitatearekin ura erakartzen du", "Ilargiak eta Eguzkiak itsasoko ura mugitzen dute"), ("egunean bi itsasgora eta bi itsasbehera izaten dira", "Kantaurin alde handia nabaritzen da", "Mediterraneoan ia ez da nabaritzen")),
    Why("animaliak", "joaten dira enarak neguan", "joaten diren enarak neguan", ("neguan ez dute intsekturik aurkitzen jateko", "lurralde beroagoetan janaria dute"), ("Afrikaraino joaten dira", "udaberrian itzultzen dira", "milaka kilometro egiten dituzte")),
    Why("animaliak", "egiten dute lo hartzek neguan", "egiten duten lo hartzek neguan", ("neguan janari gutxi dago", "horrela energia aurrezten dute"), ("udazkenean asko jaten dute", "haien bihotzak motelago egiten du taupada", "kobazulo batean babesten dira")),
    Why("animaliak", "dute bibotea katuek", "duten bibotea katuek", ("biboteekin inguruan zer dagoen sumatzen dute", "ilunetan bidea aurkitzen laguntzen die"), ("ez zaie inoiz moztu behar", "zulo batetik sartuko diren ala ez neurtzeko ere balio die", "beste animalia askok ere badute")),
    Why("landareak eta baratzea", "dira berdeak landareak", "diren berdeak landareak", ("klorofila izeneko substantzia dute", "klorofilak argi berdea islatzen du"), ("klorofilarekin eguzkiaren energia hartzen dute", "itzal handian horitu egiten dira", "batzuek hosto gorriak dituzte")),
    Why("landareak eta baratzea", "behar dute ura landareek", "behar duten ura landareek", ("urak mantenugaiak sustraietatik hostoetara eramaten ditu", "urik gabe ezin dute janaririk egin"), ("gehiegi ere ez da ona", "kaktusek gutxi behar dute", "goizean goiz ureztatzea komeni da")),
    Why("eguraldia", "egiten du hotz neguan", "egiten duen hotz neguan", ("Lurraren ardatza okertuta dago, eta neguan eguzkiak zeharka jotzen du", "egunak laburragoak dira eta lurra gutxiago berotzen da"), ("hego hemisferioan orduan uda da", "ez da eguzkia urrunago dagoelako", "mendian hotz handiagoa egiten du")),
    Why("eguraldia", "entzuten da trumoia tximista baino geroago", "entzuten den trumoia tximista baino geroago", ("argia soinua baino askoz azkarragoa da", "soinuak denbora gehiago behar du iristeko"), ("hiru segundo kilometro bat dira, gutxi gorabehera", "tarte laburra bada, ekaitza hurbil dago", "etxean egotea da seguruena")),
    Why("eguraldia", "egiten du hainbeste euri Euskal Herrian", "egiten duen hainbeste euri Euskal Herrian", ("Kantauri itsasotik haize hezea dator", "mendiek hodeiak gelditzen dituzte"), ("hegoaldean, Nafarroako Erriberan, gutxi egiten du", "horregatik da hain berdea kostaldea", "udazkena izaten da hezeena")),
    Why("sukaldaritza", "negar eragiten du tipulak", "negar eragiten duen tipulak", ("mozten denean, begiak erretzen dituen gas bat askatzen du", "gas horrek begietan malkoak sortzen ditu"), ("hozkailuan sartuta gutxiago gertatzen da", "aizto zorrotzarekin hobeto mozten da", "uretan moztea ere baliagarria da")),
    Why("sukaldaritza", "handitzen da ogia", "handitzen den ogia", ("legamiak gasa sortzen du orean", "gas hori masan harrapatuta gelditzen da"), ("beroan azkarrago gertatzen da", "horregatik uzten da atseden hartzen", "labean are gehiago handitzen da")),
    Why("osasuna", "egin behar dugu lo", "egin behar dugun lo", ("gorputzak eta burmuinak atseden behar dute", "lo gaudela, burmuinak egunekoa ordenatzen du"), ("helduek zazpi eta bederatzi ordu artean behar dute", "haurrek gehiago behar dute", "lo gutxi eginda, txarrago ikasten da")),
    Why("osasuna", "da ona ura edatea", "den ona ura edatea", ("gorputzaren erdia baino gehiago ura da", "urak gorputza garbitzen eta hozten laguntzen du"), ("udan gehiago edan behar da", "egarria da lehen seinalea", "azukredun edariak ez dira gauza bera")),
    Why("kirola", "berotu behar da kirola egin aurretik", "berotu behar den kirola egin aurretik", ("giharrak prestatu egiten dira", "lesioak izateko arriskua txikiagoa da"), ("hamar minutu nahikoa dira", "poliki hasi behar da", "amaieran luzaketak egitea ere ona da")),
    Why("bidaiak", "dago ordu-aldea herrialdeen artean", "dagoen ordu-aldea herrialdeen artean", ("Lurra biraka ari da", "eguzkia leku bakoitzean une desberdinean ateratzen da"), ("Japonia gu baino ordu batzuk aurrerago dago", "Amerikan, aldiz, geroago hasten da eguna", "lehen egunetan nekea nabaritzen da")),
    Why("musika", "gustatzen zaigu musika", "gustatzen zaigun musika", ("burmuinean atsegina sortzen du", "emozioak adierazten eta partekatzen laguntzen du"), ("oroitzapenak ekartzen ditu", "herri guztietan dago", "taldean jotzeak lagunak egiten ditu")),
    Why("liburuak", "da ona irakurtzea", "den ona irakurtzea", ("hitz berriak ikasten dira", "irudimena lantzen du"), ("lo egin aurretik lasaitzen du", "haurrekin irakurtzeak asko laguntzen die", "liburutegian doan har daitezke liburuak")),
    Why("hizkuntzak", "da berezia euskara", "den berezia euskara", ("ez zaio beste hizkuntzekin ahaidetasunik aurkitu", "inguruko hizkuntzak baino zaharragoa da"), ("latinetik ere hitz asko hartu ditu", "euskalki batzuk ditu", "batua hirurogeiko hamarkadan sortu zen")),
    Why("zientzia", "erortzen dira gauzak", "erortzen diren gauzak", ("grabitateak lurrerantz erakartzen ditu", "Lurrak gauza guztiak beregana erakartzen ditu"), ("Ilargian poliki erortzen dira", "Newtonek azaldu zuen lege hori", "aireak luma bat moteltzen du")),
    Why("zientzia", "flotatzen du izotzak", "flotatzen duen izotzak", ("izotza ura baino arinagoa da", "ura izoztean handitu egiten da"), ("horregatik hausten dira botilak izozkailuan", "aintziretan arrainak azpian bizi dira", "zatirik handiena ur azpian gelditzen da")),
    Why("teknologia", "agortzen da bateria", "agortzen den bateria", ("pantailak eta aplikazioek energia gastatzen dute", "urteekin bateriak indarra galtzen du"), ("pantailaren argia jaistea lagungarria da", "beroa ez da ona bateriarentzat", "aplikazioak itxita gehiago irauten du")),
    Why("teknologia", "eguneratu behar dira programak", "eguneratu behar diren programak", ("akatsak konpontzen dira", "segurtasun-zuloak ixten dira"), ("gauez egin daiteke", "kopia bat egitea komeni da lehenago", "batzuetan aukera berriak ere ekartzen dituzte")),
    Why("historia", "eraiki zituzten gazteluak", "eraiki zituzten gazteluak", ("etsaiengandik babesteko", "lurrak eta bideak zaintzeko"), ("mendi gainetan egiten ziren askotan", "harresi lodiak zituzten", "gaur egun bisitatu egiten dira batzuk")),
    Why("geografia", "sortzen dira basamortuak", "sortzen diren basamortuak", ("oso euri gutxi egiten du bertan", "mendiek edo haizeek euria gelditzen dute"), ("gauez hotz handia egiten du", "Sahara ezagunenetakoa da", "Nafarroan, Bardeak erdi-basamortua dira")),
    Why("lana", "da garrantzitsua atsedena lanean", "den garrantzitsua atsedena lanean", ("arreta berreskuratzen da", "nekatuta akats gehiago egiten dira"), ("orduro bost minutu nahikoa dira", "ibiltzea da onena", "pantailatik begiak kendu behar dira")),
    Why("eskola", "egin behar dira etxeko lanak", "egin behar diren etxeko lanak", ("ikasitakoa finkatzeko balio dute", "bakarka lan egiten ikasten da"), ("denbora jakin bat jartzea komeni da", "leku lasai batean hobeto", "zalantzak biharamunean galdetu")),
    Why("familia eta lagunak", "dira garrantzitsuak lagunak", "diren garrantzitsuak lagunak", ("une zailetan laguntzen dute", "pozak partekatzeko ere behar ditugu"), ("adiskidetasuna zaindu egin behar da", "entzutea da gakoa", "gutxi baina onak nahikoa dira")),
    Why("jaiak eta ohiturak", "pizten dira suak San Joan bezperan", "pizten diren suak San Joan bezperan", ("udako solstizioa ospatzeko", "zaharra erre eta berria hasteko ohitura da"), ("ekainaren hogeita hiruko gauean izaten da", "jendeak suaren gainetik salto egiten du", "musika eta dantza ere izaten dira")),
    Why("diru-kontuak", "komeni da aurreztea", "komeni den aurreztea", ("ustekabeko gastuei aurre egiteko", "etorkizuneko planetarako"), ("hilero pixka bat nahikoa da", "hil hasieran gordetzea errazagoa da", "helburu bat izateak laguntzen du")),
    Why("etxea eta garbiketa", "komeni da etxea aireztatzea", "komeni den etxea aireztatzea", ("aire freskoa sartzen da eta hezetasuna joaten da", "usain txarrak eta hautsa kanporatzen dira"), ("goizean hamar minutu nahikoa dira", "neguan ere egin behar da", "lizuna saihesteko modu ona da")),
    Why("matematika", "ezin da zeroz zatitu", "ezin den zeroz zatitu", ("ez dago zenbakirik zeroz biderkatuta beste zerbait ematen duenik", "zatiketa biderketaren alderantzizkoa da, eta zeroz ezin da atzera egin"), ("kalkulagailuak errorea ematen du", "zero zati bost, berriz, zero da", "arau hori denek onartzen dute")),
)  # fmt: skip

_ASKS = ("Zergatik {ask}?",) * 6 + (
    "Azaldu zergatik {told}.", "Badakizu zergatik {told}?", "Esan zergatik {told}, mesedez.", "Ez dakit zergatik {told}. Azalduko didazu?",
    "Jakin nahi dut zergatik {told}.", "Eman arrazoi bat: zergatik {ask}?", "Lagundu ulertzen zergatik {told}.", "Azalduko didazu zergatik {told}?",
)  # fmt: skip


def whys(rng: random.Random) -> Talk:
    why = pick(rng, WHYS)
    question = pick(rng, _ASKS).replace("{ask}", why.ask).replace("{told}", why.told)
    reasons, details = rng.sample(why.reasons, 2), rng.sample(why.details, len(why.details))
    start = pick(rng, ("", "", "arrazoi nagusia hau da: ", "erantzuna hau da: ", "hitz gutxitan: ", "azalpena erraza da: "))
    both = reasons[:1] if rng.random() < 0.5 else reasons
    link = pick(rng, ("gainera, ", "era berean, ", "horrez gain, ", ""))
    answer = [start + both[0]] + [link + each for each in both[1:]]
    turns = [first_turn(rng, question), reply(rng, *answer, details.pop() if rng.random() < 0.6 else "")]
    for follow_up in rng.sample(("more", "short", "sure", "other"), rng.choice((0, 1, 1, 2))):
        if follow_up == "more" and details:
            turns += [
                follow_turn(rng, "[Zerbait gehiago?|Kontatu gehiago.|Eta zer gehiago?|Interesgarria da. Zer gehiago dakizu?|Eman xehetasun bat.|Jarraitu, mesedez.]"),
                next_reply(rng, details.pop(), details.pop(0) if len(details) > 1 and rng.random() < 0.5 else ""),
            ]  # fmt: skip
        elif follow_up == "short":
            turns += [
                follow_turn(rng, "[Azaldu hori laburrago.|Laburrago, mesedez.|Eta haurrentzat?|Nola esango zenioke haur bati?|Esaldi bakarrean?]"),
                next_reply(rng, pick(rng, ("hitz errazekin: ", "labur: ", "honela esango nuke: ", "esaldi bakarrean: ")) + pick(rng, reasons)),
            ]  # fmt: skip
        elif follow_up == "sure":
            turns += [
                follow_turn(rng, "[Ziur zaude?|Benetan?|Beti?|Egia da hori?|Nola dakizu?|Nork esaten du?]"),
                next_reply(rng, pick(rng, ("bai, hori da azalpen ezagunena", "bai, nahiko ziur nago", "dakidanez, bai", "bai, jende askok aztertu du", "horixe uste dut, bai")), reasons[-1], pick(rng, ("", "nahi baduzu, begiratu liburu batean", "adituei ere galde diezaiekezu"))),
            ]  # fmt: skip
        else:
            second = pick(rng, [each for each in WHYS if each is not why and each.topic == why.topic] or [why])
            if second is not why:
                turns += [f"Eta zergatik {second.ask}?", next_reply(rng, *rng.sample(second.reasons, rng.randint(1, 2)), pick(rng, ("", *second.details)))]
            break
    if rng.random() < 0.08:
        turns += thanks(rng)
    return Talk(why.topic, tuple(turns))
