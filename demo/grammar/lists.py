"""Lists: give me three of these, and two more, and which of them."""

from __future__ import annotations

import random
from dataclasses import dataclass

from demo.grammar.core import Talk, capital, enumerate_items, expand, number, pick
from demo.grammar.frames import first_turn, follow_turn, next_reply, reply, thanks


@dataclass(frozen=True)
class Pool:
    """Things of one kind: `kind` stands after a numeral (`hiru fruta`), the items are definite or proper names."""

    topic: str
    kind: str
    items: tuple[str, ...]
    notes: tuple[str, ...]


def _pool(topic: str, kind: str, items: str, *notes: str) -> Pool:
    return Pool(topic, kind, tuple(items.split(", ")), notes)


POOLS = (
    _pool("sukaldaritza", "fruta", "sagarra, madaria, laranja, mandarina, gerezia, mertxika, abrikota, platanoa, kiwia, mahatsa, pikua, arana, marrubia, mugurdia, meloia, angurria", "[sasoian|bere sasoian] jaten badituzu, zapore hobea dute", "egunean hiru ale jatea gomendatzen da"),
    _pool("sukaldaritza", "barazki", "porrua, azenarioa, letxuga, zerba, azalorea, brokolia, kalabaza, piperra, tipula, berenjena, erremolatxa, espinaka", "lurrunetan egosita zaporea gordetzen dute", "sasoikoak merkeagoak dira"),
    _pool("sukaldaritza", "jaki", "marmitakoa, babarrunak, bakailaoa pil-pilean, legatza saltsan, txipiroiak beren tintan, piperradea, tortilla, arrain-zopa, kroketak, sukalkia", "denak egiten dira gurean", "ogi onarekin hobeto"),
    _pool("sukaldaritza", "postre", "gaztanbera, mamia eztiarekin, arroz-esnea, sagar-tarta, flana, intxaursaltsa, euskal pastela, fruta-entsalada, krema frijitua, goxua", "azukre gutxirekin ere goxoak dira", "umeei asko gustatzen zaizkie"),
    _pool("sukaldaritza", "espezia", "piperbeltza, kanela, kumina, azafraia, piperrautsa, intxaur muskatua, jengibrea, kurkuma", "gutxi-gutxi erabiltzea komeni da", "leku ilunean gorde behar dira"),
    _pool("etxea eta garbiketa", "etxeko tresna", "erratza, xurgagailua, garbigailua, hozkailua, labea, lisaburdina, ontzi-garbigailua, mikrouhin-labea, lehorgailua", "[ondo zaintzen|garbi edukitzen] badituzu, gehiago iraungo dute", "erosi aurretik, begiratu zenbat energia behar duten"),
    _pool("etxea eta garbiketa", "etxeko gela", "sukaldea, egongela, logela, komuna, ganbara, sotoa, jangela, garajea", "aireztatzea komeni da egunero", "bakoitzak bere erabilera du"),
    _pool("etxea eta garbiketa", "altzari", "mahaia, aulkia, ohea, armairua, besaulkia, ohe-mahaitxoa, apala, kutxa, liburutegia, eskritorioa", "zurezkoak luze irauten dute", "gela txikietan gutxi jartzea hobe da"),
    _pool("natura", "zuhaitz", "haritza, pagoa, urkia, lizarra, gaztainondoa, pinua, artea, makala, hurritza, hagina, zumea", "denak gure mendietan ikus daitezke", "udaberrian dira ederrenak"),
    _pool("natura", "mendi", "Aizkorri, Gorbeia, Anboto, Txindoki, Ernio, Larrun, Hiru Erregeen Mahaia, Orhi, Jaizkibel, Beriain, Oiz", "igo aurretik, begiratu eguraldia", "bideak markatuta daude"),
    _pool("animaliak", "etxeko animalia", "katua, txakurra, untxia, arraina, hamsterra, kanarioa, dortoka, akuria, papagaia", "denek behar dute zaintza", "hartu aurretik, ondo pentsatu"),
    _pool("animaliak", "baserriko animalia", "behia, ardia, ahuntza, txerria, oiloa, astoa, zaldia, ahatea, antzara, untxia", "bakoitzak bere lana eta bere lekua ditu", "umeei asko gustatzen zaizkie"),
    _pool("animaliak", "txori", "txantxangorria, enara, txepetxa, kukua, belatza, arranoa, hontza, okila, birigarroa, putrea, zozoa, karnaba", "goizean goiz entzuten dira ondoen", "prismatikoekin hobeto ikusten dira"),
    _pool("animaliak", "intsektu", "erlea, inurria, tximeleta, matxinsaltoa, liztorra, kilkerra, burruntzia, marigorringoa, eulia, eltxoa", "sei hanka dituzte denek", "udan ikusten dira gehien"),
    _pool("animaliak", "itsas animalia", "izurdea, balea, olagarroa, karramarroa, itsas dortoka, itsas izarra, marmoka, muskuilua, hegaluzea, antxoa", "[batzuk|zenbait] gure kostaldean ikus daitezke", "itsasoa garbi behar dute bizitzeko"),
    _pool("landareak eta baratzea", "lore", "arrosa, bitxilorea, tulipa, lirioa, krabelina, kamelia, hortentsia, geranioa, eguzkilorea, mimosa, orkidea", "ur gehiegi ez ematea komeni da", "balkoian ere ondo egoten dira"),
    _pool("landareak eta baratzea", "usain-belar", "perrexila, erromeroa, ezkaia, albahaka, menda, izpilikua, salbia, oreganoa, ereinotza", "loreontzi txiki batean haz daitezke", "eguzkia behar dute egunean ordu batzuetan"),
    _pool("eguraldia", "eguraldi-fenomeno", "euria, elurra, txingorra, lainoa, galerna, ekaitza, ostadarra, izotza, hego haizea, zirimiria", "[batzuk|horietako batzuk] maiz ikusten dira Euskal Herrian", "mendira joan aurretik kontuan hartzekoak dira"),
    _pool("osasuna", "osasun-ohitura", "ondo lo egitea, ura edatea, egunero ibiltzea, fruta jatea, eskuak garbitzea, hortzak garbitzea, tabakorik ez hartzea, lagunekin egotea, estresa gutxitzea", "txikitatik ikastea da onena", "pixkanaka hartzen dira"),
    _pool("osasuna", "gorputz-atal", "burua, lepoa, sorbalda, besoa, eskua, bizkarra, sabela, belauna, oina, orkatila, ukondoa, aurpegia", "denak zaindu behar dira", "kirola egin aurretik berotzea komeni da"),
    _pool("kirola", "kirol", "futbola, pilota, saskibaloia, arrauna, igeriketa, atletismoa, txirrindularitza, eskalada, errugbia, tenisa, judoa, aizkolaritza, eskubaloia", "bakoitzak bere arauak ditu", "edozein adinetan has daiteke"),
    _pool("kirola", "herri-kirol", "aizkolaritza, harri-jasotzea, sokatira, estropadak, segalaritza, idi-probak, trontza, lasto-altxatzea, txinga-eramatea", "baserriko eta itsasoko lanetatik sortu ziren", "jaietan ikusi ohi dira"),
    _pool("bidaiak", "hiri", "Lisboa, Paris, Erroma, Berlin, Londres, Praga, Dublin, Atenas, Viena, Oslo, Edinburgo, Kopenhage, Budapest", "asteburu luze batean ikus daitezke", "trenez ere irits daiteke batzuetara"),
    _pool("bidaiak", "garraiobide", "trena, autobusa, hegazkina, itsasontzia, bizikleta, tranbia, metroa, autoa, taxia, motorra", "bidea luzea bada, trena erosoa da", "ingurumenerako garraio publikoa da onena"),
    _pool("musika", "musika-tresna", "txistua, trikitixa, pianoa, gitarra, biolina, txalaparta, alboka, danbolina, panderoa, flauta, tronpeta, bateria, saxofoia", "ikasteko denbora eta pazientzia behar dira", "musika-eskola askotan ikas daitezke"),
    _pool("musika", "musika mota", "rocka, jazza, folka, klasikoa, bluesa, rapa, popa, reggaea, opera, herri-musika", "bakoitzak bere entzuleak ditu", "denetarik entzutea aberasgarria da"),
    _pool("liburuak", "liburu mota", "eleberria, ipuin-liburua, olerki-liburua, komikia, entsegua, biografia, antzerkia, kronika, sukaldaritza-liburua, hiztegia", "liburutegian denak aurki daitezke", "bakoitzak bere unea du"),
    _pool("liburuak", "euskal idazle", "Bernardo Atxaga, Arantxa Urretabizkaia, Ramon Saizarbitoria, Mariasun Landa, Joseba Sarrionandia, Kirmen Uribe, Karmele Jaio, Anjel Lertxundi, Eider Rodriguez, Harkaitz Cano", "haien liburuak liburutegietan daude", "beste hizkuntzetara ere itzuli dituzte"),
    _pool("hizkuntzak", "hizkuntza", "euskara, gaztelania, frantsesa, ingelesa, portugesa, katalana, galegoa, italiera, alemana, arabiera, errumaniera, japoniera, greziera", "bakoitzak bere historia du", "ikasteko onena hitz egitea da"),
    _pool("matematika", "forma geometriko", "karratua, zirkulua, triangelua, laukizuzena, erronboa, pentagonoa, hexagonoa, trapezioa, elipsea", "etxean ere leku askotan ikusten dira", "eskolan ikasten dira lehen urteetan"),
    _pool("matematika", "zenbaki lehen", "2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47", "zenbaki horiek bi zatitzaile baino ez dituzte", "1 eta beren burua dira zatitzaile bakarrak"),
    _pool("matematika", "zenbaki bikoiti", "2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30", "denak biz zatitu daitezke", "azken zifra 0, 2, 4, 6 edo 8 izaten dute"),
    _pool("zientzia", "planeta", "Merkurio, Artizarra, Lurra, Marte, Jupiter, Saturno, Urano, Neptuno", "denek Eguzkiari bira egiten diote", "zortzi dira guztira"),
    _pool("zientzia", "zientzia-arlo", "fisika, kimika, biologia, geologia, astronomia, medikuntza, botanika, zoologia, ekologia", "elkarri lotuta daude", "unibertsitatean ikas daitezke"),
    _pool("zientzia", "metal", "burdina, kobrea, urrea, zilarra, aluminioa, beruna, eztainua, zinka, nikela, titanioa", "elektrizitatea garraiatzen dute", "birzikla daitezke"),
    _pool("teknologia", "gailu", "ordenagailua, telefonoa, tableta, inprimagailua, bideratzailea, kamera, erlojua, entzungailuak, bozgorailua, teklatua", "bateria zaintzea komeni da", "zaharrak birziklatu egin behar dira"),
    _pool("historia", "asmakizun", "gurpila, inprenta, telefonoa, papera, iparrorratza, lurrun-makina, bonbilla, txertoa, hegazkina", "mundua aldatu zuten", "jende askoren lanari esker sortu ziren"),
    _pool("geografia", "Euskal Herriko hiri", "Bilbo, Donostia, Gasteiz, Iruñea, Baiona, Barakaldo, Irun, Tutera, Eibar, Getxo", "bakoitzak badu zer ikusia", "autobusez irits daiteke denetara"),
    _pool("geografia", "herrialde", "Frantzia, Portugal, Italia, Alemania, Irlanda, Norvegia, Grezia, Japonia, Brasil, Kanada, Maroko, Peru, Txile, Egipto", "bakoitzak bere hiriburua du", "mapan erraz aurki daitezke"),
    _pool("geografia", "Euskal Herriko ibai", "Nerbioi, Oria, Deba, Urola, Urumea, Bidasoa, Errobi, Aturri, Zadorra, Ega, Arga, Ibaizabal", "batzuk Kantaurira doaz, besteak Ebrora", "mendietan sortzen dira"),
    _pool("geografia", "Euskal Herriko lurralde", "Araba, Bizkaia, Gipuzkoa, Nafarroa, Lapurdi, Nafarroa Beherea, Zuberoa", "zazpi dira guztira", "bakoitzak bere ohiturak ditu"),
    _pool("lana", "lanbide", "sukaldaria, irakaslea, medikua, arotza, iturgina, erizaina, nekazaria, arrantzalea, kazetaria, gidaria, suhiltzailea, abokatua, programatzailea, okina, ileapaintzailea", "denak dira beharrezkoak", "ikasteko bide bat baino gehiago dago"),
    _pool("eskola", "ikasgai", "matematika, euskara, historia, musika, gorputz-hezkuntza, ingelesa, plastika, teknologia, filosofia, biologia, geografia", "egunero pixka bat ikastea da onena", "bakoitzak bere lan egiteko modua du"),
    _pool("eskola", "eskolako material", "arkatza, borragoma, erregela, koadernoa, motxila, margoak, guraizeak, itsasgarria, konpasa, hiztegia", "izena jartzea komeni da", "ikasturte hasieran prestatu behar dira"),
    _pool("familia eta lagunak", "senide", "ama, aita, anaia, arreba, ahizpa, amona, aitona, osaba, izeba, lehengusua, iloba, biloba", "familia bakoitza ezberdina da", "jaietan elkartu ohi dira"),
    _pool("familia eta lagunak", "jolas", "ezkutaketa, mus-partida, xakea, soka-saltoa, kartak, partxisa, domino-partida, harrapaketa, sokatira, asmakizunak", "lagunekin hobeto pasatzen da", "etxean ere egin daitezke batzuk"),
    _pool("jaiak eta ohiturak", "jai", "Olentzero, Inauteriak, San Joan eguna, Aste Nagusia, Sanferminak, Korrika, Euskararen Eguna, Santa Ageda bezpera, Danborrada, Ibilaldia", "jende asko biltzen dute", "bakoitzak bere ohiturak ditu"),
    _pool("jaiak eta ohiturak", "euskal dantza", "aurreskua, fandangoa, arin-arina, zortzikoa, ezpata-dantza, sagar-dantza, zinta-dantza, jota", "plazan dantzatzen dira", "dantza-taldeetan ikas daitezke"),
    _pool("diru-kontuak", "aurrezteko modu", "gastuak apuntatzea, etxean bazkaltzea, bigarren eskukoa erostea, argia itzaltzea, oinez ibiltzea, liburutegia erabiltzea, harpidetzak kentzea, zerrendarekin erostea", "pixkanaka asko nabaritzen da", "hilero begiratzea komeni da"),
)  # fmt: skip

_ASK = (
    "Eman {n} {k}[.|, mesedez.]", "Eman [iezazkidazu|iezazkiguzu] {n} {k}.", "Esan {n} {k}[.|, mesedez.]", "Idatzi {n} {k}[.|, banan-banan.]",
    "[Emango|Esango|Idatziko] dizkidazu {n} {k}?", "[Behar ditut|Nahi ditut] {n} {k}.", "Lagundu {n} {k} [aurkitzen|aukeratzen|gogoratzen].",
    "Badakizu {n} {k} esaten?", "Egin zerrenda bat: {n} {k}.", "Zein {n} {k} [aipatuko zenituzke|gogoratzen dituzu|jarriko zenituzke zerrendan]?",
)  # fmt: skip
_GIVE = (
    "hona hemen {n} {k}: {i}", "{n} {k}: {i}", "[hauek dira|nik hauek esango nituzke|hauek bururatzen zaizkit|zerrenda hau da]: {i}",
    "[badaude gehiago, baina|asko daude, baina|beste batzuk ere badira, baina] {n} esango ditut: {i}", "adibidez, {i}",
)  # fmt: skip


def lists(rng: random.Random) -> Talk:
    pool = pick(rng, POOLS)
    items = rng.sample(pool.items, len(pool.items))
    count = min(pick(rng, (2, 3, 3, 3, 4, 5, 5)), len(items) - 2)
    words = number(count)
    ask = pick(rng, _ASK)
    given, items = items[:count], items[count:]
    question = expand(rng, ask).replace("{n}", words).replace("{k}", pool.kind)
    answer = pick(rng, _GIVE).replace("{n}", words).replace("{k}", pool.kind).replace("{i}", enumerate_items(given))
    note = pick(rng, pool.notes) if rng.random() < 0.6 else ""
    turns = [first_turn(rng, question), reply(rng, answer, note)]
    for _ in range(rng.choice((0, 1, 1, 2))):
        more = rng.randint(1, 3)
        if len(items) >= more and rng.random() < 0.6:
            new, items = items[:more], items[more:]
            turns += [
                follow_turn(rng, f"[Eta beste {number(more)}?|Eman beste {number(more)}.|Beste {number(more)}, mesedez.|Eta {number(more)} gehiago?|Nahi ditut beste {number(more)}.]".replace("Nahi ditut beste bat", "Nahi dut beste bat")),
                next_reply(rng, pick(rng, ("beste {n}: {i}", "bai: {i}", "hona: {i}", "{i} ere bai", "gehitu hauek: {i}", "beste aukera batzuk: {i}")).replace("gehitu hauek: ", "gehitu hau: " if more == 1 else "gehitu hauek: ").replace("beste aukera batzuk", "beste aukera bat" if more == 1 else "beste aukera batzuk").replace("{n}", number(more)).replace("{i}", enumerate_items(new)), pick(rng, ("", *pool.notes))),
            ]  # fmt: skip
        else:
            chosen = pick(rng, given)
            turns += [
                follow_turn(rng, "[Zein aukeratuko zenuke?|Eta bat aukeratu behar bazenu?|Horietatik zein da zure gogokoena?|Zein gomendatzen didazu?|Bakarra aukeratu behar badut, zein?]"),
                next_reply(rng, pick(rng, (f"{chosen} aukeratuko nuke", f"nik {chosen} esango nuke", f"zaila da, baina {chosen} hartuko nuke", f"nire aukera hau da: {chosen}")), pick(rng, ("zeure gustua da garrantzitsuena", "baina denak dira onak", "baina zuk erabaki", "hala ere, besteak ere ez dira txarrak", "arrazoirik ez daukat, gustukoa dut eta kito"))),
            ]  # fmt: skip
    if rng.random() < 0.08:
        turns += thanks(rng)
    return Talk(pool.topic, tuple(capital(turn) for turn in turns))
