"""The names of months and days of the week in languages that dates are written in."""

import re
import unicodedata

import pandas as pd

ENGLISH = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = """
january february march april may june july august september october november december
- - - - - - - - sept - - -
januar februar märz april mai juni juli august september oktober november dezember
jänner feber mrz - - - - - sept okt - dez
janvier février mars avril mai juin juillet août septembre octobre novembre décembre
janv févr - avr - - juil - sept - - déc
enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre
ene - - abr - - - ago setiembre - - dic
gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre
gen - - - mag giu lug ago set ott - dic
janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro
- fev - abr mai - - ago set out - dez
januari februari maart april mei juni juli augustus september oktober november december
- - mrt - mei - - - - okt - -
januari februari mars april maj juni juli augusti september oktober november december
januar februar marts april maj juni juli august september oktober november desember
- - - - maj - - - - okt - des
ianuarie februarie martie aprilie mai iunie iulie august septembrie octombrie noiembrie decembrie
ian - - - - iun iul - - - noi -
styczeń luty marzec kwiecień maj czerwiec lipiec sierpień wrzesień październik listopad grudzień
stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia
sty lut - kwi - cze lip sie wrz paź lis gru
leden únor březen duben květen červen červenec srpen září říjen listopad prosinec
ledna února března dubna května června července srpna - října listopadu prosince
január február március április május június július augusztus szeptember október november december
- - márc ápr máj jún júl - szept okt - -
ocak şubat mart nisan mayıs haziran temmuz ağustos eylül ekim kasım aralık
tammikuu helmikuu maaliskuu huhtikuu toukokuu kesäkuu heinäkuu elokuu syyskuu lokakuu marraskuu joulukuu
tammikuuta helmikuuta maaliskuuta huhtikuuta toukokuuta kesäkuuta heinäkuuta elokuuta syyskuuta lokakuuta marraskuuta joulukuuta
januari februari maret april mei juni juli agustus september oktober november desember
январь февраль март апрель май июнь июль август сентябрь октябрь ноябрь декабрь
января февраля марта апреля мая июня июля августа сентября октября ноября декабря
янв февр мар апр - июн июл авг сен окт ноя дек
- фев - - - - - - сент - нояб -
січень лютий березень квітень травень червень липень серпень вересень жовтень листопад грудень
січня лютого березня квітня травня червня липня серпня вересня жовтня листопада грудня
ιανουάριος φεβρουάριος μάρτιος απρίλιος μάιος ιούνιος ιούλιος αύγουστος σεπτέμβριος οκτώβριος νοέμβριος δεκέμβριος
ιανουαρίου φεβρουαρίου μαρτίου απριλίου μαΐου ιουνίου ιουλίου αυγούστου σεπτεμβρίου οκτωβρίου νοεμβρίου δεκεμβρίου
"""
"""A line of twelve names each, - for one that stands elsewhere: in the nominative or genitive, whole or shortened."""
WEEKDAYS = """
monday tuesday wednesday thursday friday saturday sunday
montag dienstag mittwoch donnerstag freitag samstag sonntag
lundi mardi mercredi jeudi vendredi samedi dimanche
lunes martes miércoles jueves viernes sábado domingo
lunedì martedì mercoledì giovedì venerdì sabato domenica
maandag dinsdag woensdag donderdag vrijdag zaterdag zondag
måndag tisdag onsdag torsdag fredag lördag söndag
poniedziałek wtorek środa czwartek piątek sobota niedziela
понедельник вторник среда четверг пятница суббота воскресенье
"""
WORD = re.compile(r"[^\W\d_]{3,}(?:\.(?=[\s,-]|$))?")


def bare(word: str) -> str:
    """Return a word in small letters without accents and points, as many people write it.

    >>> bare("Févr.")
    'fevr'
    """
    split = unicodedata.normalize("NFKD", word.casefold().replace("ı", "i"))
    return "".join(letter for letter in split if not unicodedata.combining(letter)).rstrip(".")


def _table(names: str, english: tuple[str, ...]) -> dict[str, str]:
    lines = [line.split() for line in names.strip().splitlines()]
    return {bare(name): plain for line in lines for name, plain in zip(line, english, strict=True) if name != "-"}


PLAIN = {
    **_table(WEEKDAYS, DAYS),
    **_table(MONTHS, ENGLISH),
    **{name.lower(): name for name in (*DAYS, *ENGLISH)},
}
"""The English name in three letters of each, by its bare one."""


def in_english(cells: pd.Series) -> pd.Series:
    """Return texts whose names of months and days are English ones of three letters.

    >>> in_english(pd.Series(["3. März 2024", "lundi 12 févr. 2024"])).tolist()
    ['3. Mar 2024', 'Mon 12 Feb 2024']
    """
    return cells.str.replace(WORD, lambda found: PLAIN.get(bare(found[0]), found[0]), regex=True)
