"""The feature families: one module each, with `FEATURES` and a pure function of the lead.

Every family lists its features (stable machine name, label for people, group) and returns their
values in that order, as floats; NaN means missing. What a family learned in training is a small
frozen object that writes itself as JSON. `reading` tokenises a text once for all of them.
"""
