"""Features of time, place, category, price and contact, and the frame that holds them all."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from .text_columns import text_columns

FREE_MAIL = {"gmail.com", "yahoo.com", "hotmail.com", "outlook.com", "aol.com", "icloud.com"}
HIGH_VALUE = r"software|tech|information|engineer|data|financ|account|bank"
MAJOR_CITIES = (
    r"new york|los angeles|chicago|houston|san francisco|seattle|boston|austin|dallas|atlanta|"
    r"denver|washington|san jose|san diego|philadelphia|miami|london|berlin|paris|toronto"
)
FIELDS = ("title", "description", "category", "location_name", "price", "email", "posted_at")


def raw_frame(leads: Sequence[Mapping[str, Any]], moments: Sequence[Any]) -> pd.DataFrame:
    """Return leads as sent as a frame with one row each, texts filled, times parsed, in UTC."""
    frame = pd.DataFrame(list(leads)).reindex(columns=list(FIELDS))
    for column in ("title", "description", "category", "location_name", "email"):
        frame[column] = frame[column].astype(object).fillna("").astype(str)
    frame["price"] = pd.to_numeric(frame["price"])
    frame["posted_at"] = pd.to_datetime(frame["posted_at"], utc=True, format="ISO8601")
    frame["moment"] = pd.to_datetime(pd.Series(list(moments), index=frame.index), utc=True)
    return frame


def _temporal_columns(frame: pd.DataFrame) -> dict[str, pd.Series]:
    posted = frame["posted_at"].fillna(frame["moment"])
    age_hours = (frame["moment"] - frame["posted_at"]).dt.total_seconds() / 3600
    hour, weekday = posted.dt.hour, posted.dt.day_of_week
    return {
        "age_hours": age_hours,
        "freshness": np.exp(-age_hours / 168),
        "hour": hour,
        "weekday": weekday,
        "month": posted.dt.month,
        "weekend": (weekday >= 5).astype(int),
        "business_hours": ((weekday < 5) & hour.between(9, 16)).astype(int),
    }


def _location_columns(location: pd.Series, title: pd.Series) -> dict[str, pd.Series]:
    lower = location.str.lower()
    return {
        "remote": (lower + " " + title.str.lower()).str.contains(r"remote|anywhere").astype(int),
        "major_city": lower.str.contains(MAJOR_CITIES).astype(int),
        "state": location.str.extract(r",\s*([A-Z]{2})$")[0].fillna("unknown"),
        "whole_country": lower.isin(["united states", "usa", "germany", "france"]).astype(int),
    }


def _price_columns(price: pd.Series, salary: pd.Series) -> dict[str, pd.Series]:
    return {
        "price": price,
        "price_log": np.log1p(price),
        "price_missing": price.isna().astype(int),
        "price_agreement": np.log1p(price) - np.log1p(salary),
    }


def _contact_columns(email: pd.Series) -> dict[str, pd.Series]:
    domain = email.str.split("@").str[-1].str.lower()
    free = domain.isin(FREE_MAIL)
    return {
        "email_present": (email != "").astype(int),
        "email_free": free.astype(int),
        "email_company": ((email != "") & ~free).astype(int),
    }


def lead_columns(frame: pd.DataFrame) -> pd.DataFrame:
    """Return every feature that needs no fitting, and the columns that the fitted ones read."""
    category = frame["category"].str.lower().str.strip()
    location = frame["location_name"].str.lower().str.strip()
    parts = category.str.split("/")
    columns: dict[str, pd.Series] = {
        "title": frame["title"],
        "description": frame["description"],
        "category": category,
        "location": location,
        "category_location": category + "|" + location,
        "similar": frame["title"]
        .str.lower()
        .str.replace(r"[^a-z ]+.*", "", regex=True)
        .str.strip(),
        "main_category": parts.str[0],
        "subcategory": parts.str[1:].str.join("/"),
        "high_value_category": category.str.contains(HIGH_VALUE).astype(int),
        **text_columns(frame["title"], "title"),
        **text_columns(frame["description"], "description"),
        **_temporal_columns(frame),
        **_location_columns(frame["location_name"], frame["title"]),
        **_contact_columns(frame["email"]),
    }
    columns.update(_price_columns(frame["price"], columns["description_salary_high"]))
    return pd.DataFrame(columns)
