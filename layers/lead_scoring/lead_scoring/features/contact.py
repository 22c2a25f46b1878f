"""Contact: whether an e-mail address came with the lead, and whether a company's or a free one."""

import math

from ..entities import Feature, Lead

FEATURES = (
    Feature("email_present", "E-mail Present", "contact"),
    Feature("email_free_domain", "Free E-mail Domain", "contact"),
    Feature("email_company_domain", "Company E-mail Domain", "contact"),
)

# The largest providers of free mailboxes by country; an editorial list.
_FREE_MAIL = """
126.com 139.com 163.com abv.bg aim.com aol.com att.net bellsouth.net bigpond.com bk.ru
bluewin.ch bol.com.br btinternet.com btopenworld.com centrum.cz charter.net comcast.net
cox.net daum.net earthlink.net email.com email.cz fastmail.com fastmail.fm foxmail.com
free.fr freemail.hu freenet.de gmail.com gmx.at gmx.ch gmx.com gmx.de gmx.net googlemail.com
hanmail.net hey.com hotmail.co.uk hotmail.com hotmail.de hotmail.es hotmail.fr hotmail.it
hushmail.com icloud.com inbox.lv inbox.ru interia.pl juno.com laposte.net libero.it list.ru
live.ca live.co.uk live.com live.fr live.nl mac.com mail.bg mail.com mail.ru mailinator.com
me.com msn.com naver.com netscape.net netzero.net ntlworld.com o2.pl onet.pl op.pl orange.fr
outlook.com outlook.de outlook.es outlook.fr pm.me proton.me protonmail.com qq.com
rambler.ru rediffmail.com rocketmail.com rogers.com sapo.pt sbcglobal.net seznam.cz sfr.fr
shaw.ca sina.com sky.com sohu.com sympatico.ca t-online.de talktalk.net tutanota.com
ukr.net uol.com.br verizon.net virgilio.it virginmedia.com walla.co.il wanadoo.fr web.de
wp.pl ya.ru yahoo.ca yahoo.co.in yahoo.co.jp yahoo.co.uk yahoo.com yahoo.com.au
yahoo.com.br yahoo.de yahoo.es yahoo.fr yahoo.in yahoo.it yandex.com yandex.ru yeah.net
ymail.com zoho.com
"""
FREE_MAIL_DOMAINS = frozenset(_FREE_MAIL.split())


def values(lead: Lead) -> list[float]:
    """Return the contact features; the kind of domain is NaN where no domain is known.

    >>> values(Lead(1, "Title", email_domain="gmail.com", email_hash="5f0c"))
    [1.0, 1.0, 0.0]
    """
    present = 0.0 if lead.email_hash is None else 1.0
    if lead.email_domain is None:
        return [present, math.nan, math.nan]
    free = 1.0 if lead.email_domain in FREE_MAIL_DOMAINS else 0.0
    return [present, free, 1.0 - free]
