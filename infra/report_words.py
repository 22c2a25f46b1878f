"""How each chart of a report is read, in plain words."""

READING = {
    "reliability": "each dot is a tenth of the leads. On the dashed line, as many converted as"
    " promised; above it more, below it fewer. The bars through the dots are 95 % intervals. The"
    " histogram below shows how often the model says what.",
    "gains": "working so many per cent of the leads, best first (to the right), finds so many per"
    " cent of all conversions (upwards). Chance is the dashed line, a perfect order the dotted"
    " one.",
    "lift": "how many times as often the worked leads convert as leads at random. It falls to 1,"
    " where all leads are worked.",
    "roc": "wherever the list is cut, how many of the conversions are above the cut, against how"
    " many of the other leads. The further to the upper left, the better; the dashed line is"
    " guessing. The band is where the curve would run on other leads.",
    "precision_recall": "going down the list finds more of the conversions (to the right), and"
    " costs precision (downwards): the share of the leads so far that convert. The dashed line is"
    " the conversion rate of all leads.",
    "distribution": "the two groups are drawn to the same size. The less they overlap, the better"
    " scores tell them apart.",
    "threshold": "a higher threshold calls fewer leads promising (dotted), is right more often"
    " (precision), and misses more (recall).",
    "importance": "the longer the bar, the more the feature moves scores, up or down. ▲ more of it"
    " raises the score, ▼ more of it lowers it, ● neither (it is a category, or it depends).",
    "drift": "the index (PSI) says how far a distribution has moved since training. Below 0.1"
    " little has changed, above 0.25 much has; what moved as far during training alarms later. The"
    " steps of the scale are factors.",
    "feedback": "each bar is a day (UTC). Days without feedback teach the model nothing; a sudden"
    " end means that something no longer sends it.",
    "actions": "what the feedback says was done. Conversions and contacts teach most, views least.",
}
