"""How to do things: cooking, cleaning, the garden, the computer, money, school."""

from __future__ import annotations

import random
from dataclasses import dataclass

from demo.grammar.core import Talk, expand, pick
from demo.grammar.frames import first_turn, follow_turn, next_reply, reply, thanks


@dataclass(frozen=True)
class Task:
    """Something to do. `what` is its object, `verb` the habitual form (`garbitzen`), `done` the participle (`garbitu`).

    Steps are in order and start with a participle used as an imperative; tips stand alone.
    """

    topic: str
    what: str
    done: str
    verb: str
    steps: tuple[str, ...]
    tips: tuple[str, ...]
    needs: tuple[str, ...] = ()
    plural: bool = False


_MIN = "[bost|hamar|hamabost|hogei] minutuz"

TASKS = (
    Task("sukaldaritza", "marmitakoa", "prestatu", "prestatzen", ("txikitu [tipula eta piperra|tipula, piperra eta baratxuria]", "frijitu barazkiak [su motelean|oliotan]", "gehitu patatak eta [ura|arrain-salda]", "egosi patatak bigundu arte eta sartu hegaluzea azken minutuetan"), ("hegaluzea ez da asko egosi behar", "patatak puskatuta, salda loditu egiten da", "piper txorizeroak zaporea ematen dio"), ("hegaluzea", "patatak", "tipula", "piperra")),
    Task("sukaldaritza", "patata-tortilla", "egin", "egiten", ("zuritu eta moztu patatak", f"frijitu [patatak|patatak eta tipula] {_MIN}", "irabiatu [lau|bost|sei] arrautza gatzarekin", "nahasi dena eta jarri zartaginean, bi aldeetatik egiteko"), ("buelta emateko, erabili plater handi bat", "barrutik bigun uztea da onena askorentzat"), ("patatak", "arrautzak", "olioa", "gatza")),
    Task("sukaldaritza", "barazki-zopa", "egin", "egiten", ("garbitu eta txikitu barazkiak", "jarri eltzean ur [hotzarekin|eta gatzarekin]", f"egosi {_MIN} su motelean", "[irabiatu|zapaldu] eta zerbitzatu bero"), ("oliba-olio pixka bat gehituz gero, goxoagoa da", "sobratzen dena izoztu dezakezu"), ("porrua", "azenarioa", "patata", "tipula")),
    Task("sukaldaritza", "ogia", "egin", "egiten", ("nahasi irina, ura, gatza eta legamia", "oratu masa [hamar|hamabost] minutuz", "utzi atseden hartzen [ordubetez|bi orduz], handitu arte", "sartu labean [berrehun|berrehun eta hogei] gradutan"), ("azala kurruskaria izateko, jarri ur pixka bat labean", "legamiak leku epelean hobeto egiten du lan"), ("irina", "ura", "legamia", "gatza")),
    Task("sukaldaritza", "arroz-esnea", "egin", "egiten", ("berotu esnea kanelarekin eta limoi-azalarekin", "gehitu arroza", "nahasi [maiz|etengabe] su motelean", "bota azukrea amaieran eta utzi hozten"), ("kanela-hautsa gainean jarrita, askoz hobea da", "arroz biribila da egokiena"), ("esnea", "arroza", "azukrea", "kanela")),
    Task("sukaldaritza", "babarrunak", "egosi", "egosten", ("utzi beratzen bezperan", "jarri su motelean ur hotzarekin", "gehitu [tipula|porrua] eta olio pixka bat", "egosi bi edo hiru orduz, bigundu arte"), ("gatza amaieran botatzea hobe da", "sakramentuekin jaten dira askotan"), ("babarrunak", "tipula", "olioa"), plural=True),
    Task("sukaldaritza", "sagar-tarta", "egin", "egiten", ("zabaldu orea molde batean", "zuritu sagarrak eta moztu xerra meheetan", "jarri sagarrak orearen gainean azukrearekin", "sartu labean [hogeita hamar|berrogei] minutuz, gorritu arte"), ("sagar garratzak egokiak dira", "epel dagoela jatea da onena"), ("sagarrak", "orea", "azukrea")),
    Task("etxea eta garbiketa", "leihoak", "garbitu", "garbitzen", ("kendu hautsa trapu lehor batekin", "nahasi ura eta ozpina", "pasatu zapi hezea goitik behera", "lehortu [egunkari-paperarekin|zapi garbi batekin]"), ("eguzkiak zuzenean jotzen duenean ez garbitzea hobe da", "ozpinaren usaina berehala joaten da"), ("ura", "ozpina", "zapi bat"), plural=True),
    Task("etxea eta garbiketa", "ardo-orbana", "kendu", "kentzen", ("xurgatu ardoa paperarekin, igurtzi gabe", "bota gatza edo ur gasduna gainean", "utzi [hamar|hogei] minutuz", "garbitu ohi bezala ur [epelarekin|hotzarekin]"), ("zenbat eta azkarrago, orduan eta hobeto", "ur beroak orbana finka dezake"), ("gatza", "papera", "ur gasduna")),
    Task("etxea eta garbiketa", "labea", "garbitu", "garbitzen", ("nahasi bikarbonatoa eta ur pixka bat", "zabaldu ore hori labearen barruan", "utzi gau osoan [lanean|horrela]", "kendu zapi heze batekin eta bota ozpin pixka bat"), ("itzalita eta hotz egon behar du", "hilean behin eginez gero, errazagoa da"), ("bikarbonatoa", "ozpina", "zapi bat")),
    Task("etxea eta garbiketa", "armairua", "txukundu", "txukuntzen", ("atera arropa guztia", "bereizi [erabiltzen duzuna eta erabiltzen ez duzuna|hiru pilatan]", "garbitu apalak", "tolestu eta gorde [koloreka|sasoika]"), ("urtebetez jantzi ez duzuna eman dezakezu", "asteburu batean egitea da onena"), ("kutxa batzuk", "denbora pixka bat")),
    Task("etxea eta garbiketa", "arropa zuria", "garbitu", "garbitzen", ("bereizi arropa koloreduna", "begiratu etiketari", "jarri garbigailua [hogeita hamar|berrogei] gradutan", "eskegi eguzkitan"), ("bikarbonatoak zuri mantentzen laguntzen du", "ez bete garbigailua gehiegi"), ("garbigarria",)),
    Task("landareak eta baratzea", "tomateak", "landatu", "landatzen", ("aukeratu leku eguzkitsu bat", "egin zuloa eta bota ongarria", "sartu landarea eta estali lurrez", "jarri makila bat eta ureztatu"), ("maiatza da sasoirik onena", "hostoak busti gabe ureztatu behar dira"), ("landareak", "makilak", "ongarria"), plural=True),
    Task("landareak eta baratzea", "konposta", "egin", "egiten", ("jarri ontzi bat itzalean", "bota fruta-azalak eta hosto lehorrak txandaka", "nahasi astean behin", "itxaron [hiru|lau|sei] hilabete"), ("ez bota haragirik ez arrainik", "hezea egon behar du, baina ez bustia"), ("ontzi bat", "hosto lehorrak")),
    Task("landareak eta baratzea", "etxeko landareak", "zaindu", "zaintzen", ("jarri argi [ona|nahikoa] dagoen lekuan", "ukitu lurra ureztatu aurretik", "ureztatu lurra lehor dagoenean bakarrik", "kendu hosto horiak"), ("ur gehiegi ematea da akatsik ohikoena", "neguan ur gutxiago behar dute"), ("ura", "argia"), plural=True),
    Task("landareak eta baratzea", "letxugak", "erein", "ereiten", ("prestatu lur [biguna|harroa]", "bota haziak lerroan", "estali lur geruza mehe batekin", "ureztatu poliki egunero"), ("bareekin kontuz ibili", "hamabost egunean behin erein, beti freskoak izateko"), ("haziak", "ura"), plural=True),
    Task("animaliak", "txakurkumea", "hezi", "hezten", ("aukeratu hitz labur bat agindu bakoitzerako", "saritu ondo egiten duenean", "praktikatu egunero [bost|hamar] minutuz", "izan pazientzia eta ez haserretu"), ("etxeko denek agindu berak erabili behar dituzte", "jolasa da modurik onena"), ("pazientzia", "sari txikiak")),
    Task("animaliak", "arrainontzia", "garbitu", "garbitzen", ("kendu uraren herena", "garbitu kristala belaki batekin", "xurgatu hondoko zikinkeria", "bete ur [epelarekin|prestatuarekin]"), ("ez kendu ur guztia batera", "arrainak ez dira atera behar"), ("belaki bat", "ontzi bat")),
    Task("osasuna", "ebaki txiki bat", "sendatu", "sendatzen", ("garbitu eskuak", "garbitu zauria urarekin eta xaboiarekin", "lehortu gaza garbi batekin", "jarri tirita bat"), ("odola gelditzen ez bada, joan medikuarengana", "tirita egunero aldatu behar da"), ("ura", "xaboia", "tirita bat")),
    Task("osasuna", "lo-ohitura onak", "hartu", "hartzen", ("oheratu ordu berean egunero", "itzali pantailak ordubete lehenago", "afaldu arin", "utzi gela ilun eta fresko"), ("kafea arratsaldean ez hartzea hobe da", "irakurtzeak lasaitzen du"), plural=True),
    Task("kirola", "korrika egiteko ohitura", "hartu", "hartzen", ("hasi poliki, [hamar|hogei] minutuz", "tartekatu ibiltzea eta korrika", "handitu denbora astero", "utzi atseden-egun bat tartean"), ("oinetako onak behar dira", "ura edatea ez ahaztu"), ("oinetako onak", "arropa erosoa")),
    Task("kirola", "igerian", "ikasi", "ikasten", ("ohitu uretara", "ikasi ur azpian arnasa botatzen", "flotatu bizkarrez", "landu besoak eta hankak banan-banan"), ("irakasle batekin errazagoa da", "ez joan inoiz bakarrik"), ("bainujantzia", "betaurrekoak")),
    Task("bidaiak", "maleta", "prestatu", "prestatzen", ("egin zerrenda bat", "begiratu eguraldia", "biribildu arropa tolestu beharrean", "utzi leku pixka bat [opariak|itzulerako gauzak] sartzeko"), ("likidoak poltsa batean sartu", "sendagaiak eskura eraman"), ("zerrenda bat", "poltsak")),
    Task("bidaiak", "mendi-ibilaldia", "prestatu", "prestatzen", ("aukeratu zure mailako bidea", "begiratu eguraldi-iragarpena", "sartu motxilan ura eta janaria", "esan norbaiti nora zoazen"), ("goiz irtetea komeni da", "mapa eta telefonoa eraman"), ("botak", "ura", "mapa")),
    Task("musika", "gitarra jotzen", "ikasi", "ikasten", ("afinatu gitarra", "ikasi hiru akorde erraz", "praktikatu egunero [hogei|hogeita hamar] minutuz", "aukeratu kanta erraz bat eta jo poliki"), ("hatzetako mina berehala pasatzen da", "entzun asko eta jo besteekin"), ("gitarra bat", "pazientzia")),
    Task("liburuak", "irakurle-talde bat", "antolatu", "antolatzen", ("bildu [bost|sei|zortzi] lagun", "aukeratu liburu bat denen artean", "jarri hileko egun bat", "prestatu galdera batzuk elkartu aurretik"), ("liburutegiak aleak utzi ditzake", "denek hitz egin dezatela"), ("liburuak", "leku bat")),
    Task("hizkuntzak", "hitz berriak", "ikasi", "ikasten", ("idatzi hitzak koaderno batean", "erabili bakoitza esaldi batean", "errepikatu [bihar|biharamunean] eta astebetera", "hitz egin norbaitekin egunero"), ("egunean bost hitz nahikoa dira", "kantak asko laguntzen dute"), ("koaderno bat",), plural=True),
    Task("teknologia", "pasahitz segurua", "sortu", "sortzen", ("aukeratu lau hitz, elkarrekin zerikusirik ez dutenak", "gehitu zenbakiak eta ikurrak", "ez erabili zure izena edo jaioteguna", "gorde pasahitz-kudeatzaile batean"), ("ez erabili bera leku guztietan", "zenbat eta luzeagoa, orduan eta seguruagoa")),
    Task("teknologia", "argazkiak", "gorde", "gordetzen", ("ezabatu txarrak", "antolatu karpetetan [urteka|gaika]", "egin kopia bat disko batean", "egin beste kopia bat beste leku batean"), ("hilean behin egitea komeni da", "kopia bakarra ez da nahikoa"), ("disko bat",), plural=True),
    Task("lana", "lan-elkarrizketa", "prestatu", "prestatzen", ("irakurri enpresari buruz", "prestatu zure esperientziaren laburpena", "pentsatu bi edo hiru galdera", "iritsi [hamar|bost] minutu lehenago"), ("lasai arnastu sartu aurretik", "egia esatea da onena"), ("curriculuma",)),
    Task("lana", "bilera", "antolatu", "antolatzen", ("erabaki zer lortu nahi den", "bidali gai-zerrenda lehenago", "gonbidatu beharrezkoak direnak bakarrik", "idatzi erabakiak amaieran"), ("ordubete baino gutxiago irautea hobe da", "puntual hasi eta puntual amaitu")),
    Task("eskola", "azterketa", "prestatu", "prestatzen", ("banatu gaiak egunka", "egin laburpenak zure hitzekin", "galdetu zeure buruari liburua itxita", "egin lo ondo bezperan"), ("azken egunean dena ikastea ez da ona", "lagun bati azaltzeak asko laguntzen du"), ("apunteak",)),
    Task("familia eta lagunak", "urtebetetze-festa", "antolatu", "antolatzen", ("egin gonbidatuen zerrenda", "aukeratu eguna eta lekua", "prestatu jakiak eta jolasak", "jarri musika eta gozatu"), ("haurrekin bi ordu nahikoa dira", "galdetu alergiarik ote duten"), ("tarta", "puxikak")),
    Task("jaiak eta ohiturak", "Olentzerori gutuna", "idatzi", "idazten", ("agurtu Olentzero", "kontatu nolakoa izan den zure urtea", "eskatu [bi|hiru] opari", "eskerrak eman eta sinatu"), ("familiarentzat ere zerbait eskatzea polita da", "marrazki bat gehi dezakezu")),
    Task("diru-kontuak", "etxeko aurrekontua", "egin", "egiten", ("idatzi hileko diru-sarrerak", "apuntatu gastu finkoak", "jarri muga bat gainerakoari", "gorde zati bat hil hasieran"), ("hilean behin begiratu", "gastu txikiak ere kontatu"), ("koaderno bat", "hileko fakturak")),
)  # fmt: skip

_ASK = (
    "Nola {v} {da} {w}?", "Nola {v} {da} {w}?", "Azaldu nola {v} {den} {w}[.|, mesedez.]", "Azaldu[, mesedez,| pausoz pauso] nola {v} {den} {w}.",
    "Esan nola {v} {den} {w}.", "Badakizu nola {v} {den} {w}?", "Lagundu {w} {v}.", "Lagunduko didazu {w} {v}?", "Zer behar da {w} {n}?",
    "Zer egin behar dut {w} {n}?", "Eman {w} {n} [aholkuak|pausoak|argibideak].", "Idatzi {w} {n} [pausoak|argibide laburrak].",
    "{w} {f} nahi {dut}, baina ez dakit nola[.|. Lagunduko didazu?]", "Inoiz ez {dut} {w} {f}. Nondik [hasten naiz|hasi behar dut]?",
    "[Bihar|Gaur|Asteburuan|Larunbatean|Arratsaldean] {w} {f} behar {dut}. [Nola egiten da?|Zer egin behar dut?|Aholkurik?|Nondik hasiko naiz?]",
    "Zein da {w} {n} modurik [onena|errazena|azkarrena]?", "Zenbat pauso behar dira {w} {n}?",
)  # fmt: skip
_FIRST = ("lehenik, ", "lehenengo, ", "hasteko, ", "aurrena, ", "lehen pausoa: ")
_THEN = ("gero, ", "ondoren, ", "jarraian, ", "hurrena, ", "geroago, ", "")
_LAST = ("azkenik, ", "amaitzeko, ", "bukatzeko, ", "azken pausoa: ")
_DOUBTS = (
    ("[Zaila da?|Zaila al da?|Oso zaila da?]", "[ez, lasai hartuz gero ez da zaila|ez, baina pazientzia pixka bat behar da|hasieran pixka bat bai, gero ez|ez, pausoz pauso eginez gero erraza da]"),
    ("[Denbora asko behar da?|Zenbat denbora behar da?|Luzea da?]", "[ez, lasai eginda ere ez da asko|pixka bat bai, baina merezi du|lehen aldian denbora gehiago beharko duzu|zure trebeziaren araberakoa da]"),
    ("[Eta lehen aldiz egiten badut?|Eta gaizki ateratzen bada?|Eta inoiz egin ez badut?]", "[lasai, denok hasi gara horrela|lehen aldian denbora gehiago beharko duzu|ez larritu, hurrengoan hobeto aterako da|galdetu lehenago egin duen norbaiti]"),
    ("[Haurrekin egin daiteke?|Umeekin egin dezaket?|Umeek lagun dezakete?]", "[bai, baina helduren baten laguntzarekin|bai, gustura lagunduko dute|bai, pauso errazak utzi haiei]"),
    ("[Bakarrik egin dezaket?|Laguntza behar dut?|Bakarrik egiteko modukoa da?]", "[bai, bakarrik egin dezakezu|bai, baina bien artean azkarrago egiten da|bakarrik ere bai, lasai hartuz gero]"),
)  # fmt: skip


def _ask(rng: random.Random, task: Task) -> str:
    text = expand(rng, pick(rng, _ASK))
    alone = task.what not in {"igerian", "gitarra jotzen"}
    if not alone and "{dut}" in text:
        text = "Nola {v} {da} {w}?"
    for key, value in (
        ("v", task.verb),
        ("w", task.what),
        ("f", task.done),
        ("n", f"{task.verb[:-1]}ko"),
        ("da", "dira" if task.plural else "da"),
        ("den", "diren" if task.plural else "den"),
        ("dut", "ditut" if task.plural else "dut"),
    ):
        text = text.replace("{" + key + "}", value)
    return text


def howto(rng: random.Random) -> Talk:
    task = pick(rng, TASKS)
    steps = [start + step for start, step in zip((pick(rng, _FIRST), *rng.sample(_THEN, 2), pick(rng, _LAST)), task.steps, strict=True)]
    tips = rng.sample(task.tips, len(task.tips))
    need = ""
    needs = rng.sample(task.needs, len(task.needs))
    if needs and rng.random() < 0.4:
        listed = ", ".join(needs[:-1]) + (" eta " if len(needs) > 1 else "") + needs[-1]
        need = pick(rng, ("hau behar duzu: {}", "[prestatu|hartu|bildu] hau: {}", "behar dena hau da: {}")).format(listed)
    tip = tips.pop() if rng.random() < 0.5 else ""
    turns = [first_turn(rng, _ask(rng, task), context=0.04), reply(rng, need, *steps, tip, opening=0.35, closing=0.2)]
    for follow_up in rng.sample(("tip", "short", "start", "hard"), rng.choice((0, 1, 1, 2))):
        if follow_up == "tip" and tips:
            turns += [
                follow_turn(rng, "[Aholkurik?|Eta aholku bat?|Eman aholku bat.|Trukurik badago?|Zer hartu behar dut kontuan?|Zerbait gehiago jakin behar dut?]"),
                next_reply(rng, pick(rng, ("", "aholku bat: ", "kontuan hartu hau: ", "nik hau esango nizuke: ")) + tips.pop(), pick(rng, ("", "horrela errazago izango da", "esperientziak erakusten du hori", "asko laguntzen du", "gainerakoa erraza da"))),
            ]  # fmt: skip
        elif follow_up == "short":
            short = rng.sample(range(4), 2)
            turns += [
                follow_turn(rng, "[Azaldu hori laburrago.|Laburrago, mesedez.|Laburtu hori.|Eta hitz gutxitan?|Zein dira pauso nagusiak?]"),
                next_reply(rng, pick(rng, ("bi hitzetan: ", "labur: ", "funtsezkoena hau da: ", "hitz gutxitan: ")) + expand(rng, task.steps[min(short)]), "gero, " + task.steps[max(short)]),
            ]  # fmt: skip
        elif follow_up == "start":
            turns += [
                follow_turn(rng, "[Nondik hasi behar dut?|Zein da lehen pausoa?|Eta lehenengo zer?|Errepikatuko didazu hasiera?]"),
                next_reply(rng, pick(rng, ("hasi honekin: ", "lehen pausoa hau da: ", "lehenengo, ")) + task.steps[0], pick(rng, ("", "gainerakoa gero", "hortik aurrera erraza da", "gero, " + task.steps[1]))),
            ]  # fmt: skip
        elif follow_up == "hard":
            ask, answer = pick(rng, _DOUBTS)
            rest = pick(rng, ("", "", "hurrengoan errazagoa izango da", "ez larritu", "animo"))
            turns += [follow_turn(rng, ask), next_reply(rng, answer, tips.pop() if tips else "", rest, opening=0)]
    if rng.random() < 0.1:
        turns += thanks(rng)
    return Talk(task.topic, tuple(turns))
