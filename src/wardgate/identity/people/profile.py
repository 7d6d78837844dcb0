"""What people may say of themselves to applications: claims of OIDC core section 5.1, and the form each must have."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from wardgate.identity.http import Parameters
from wardgate.identity.redirect_rules import link_problem

LONGEST = 200
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_BIRTHDATE = re.compile(r"([0-9]{4})(?:-([0-9]{2})-([0-9]{2}))?")
_ZONE = re.compile(r"[A-Za-z0-9_+-]+(?:/[A-Za-z0-9_+-]+){0,2}")
_LOCALE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,4}")
_PHONE = re.compile(r"\+[0-9]{5,15}")
_BETWEEN_DIGITS = re.compile(r"[ ().-]")
#: A year that does not matter, and has a 29th of February (OIDC core section 5.1: ``0000``).
_SOME_YEAR = 2000


class ProfileError(Exception):
    """A field cannot be as it was sent; the text is for the person."""


def _birthdate(text: str) -> bool:
    found = _BIRTHDATE.fullmatch(text)
    if found is None:
        return False
    try:
        date(int(found[1]) or _SOME_YEAR, int(found[2] or 1), int(found[3] or 1))
    except ValueError:
        return False
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One claim, or a part of ``address``: what the page calls it, and what a browser fills it in with by itself."""

    name: str
    text: str
    complete: str = "off"
    hint: str = ""
    good: Callable[[str], bool] = lambda text: True
    tidy: Callable[[str], str] = str.strip


def _link(name: str, text: str, complete: str) -> Field:
    return Field(
        name=name,
        text=text,
        complete=complete,
        hint="It begins with https://",
        good=lambda value: link_problem(value) is None,
    )


#: Asked for at once; one that is not sent is dropped.
NAMES = (
    Field(name="name", text="Full name", complete="name"),
    Field(name="given_name", text="Given name", complete="given-name"),
    Field(name="family_name", text="Family name", complete="family-name"),
)
#: The others; one that is not sent stays as it was.
MORE = (
    Field(name="middle_name", text="Middle name", complete="additional-name"),
    Field(name="nickname", text="Nickname", complete="nickname"),
    Field(
        name="phone_number",
        text="Telephone number",
        complete="tel",
        hint="With the code of the country: +43 1 234567",
        good=lambda text: _PHONE.fullmatch(text) is not None,
        tidy=lambda text: _BETWEEN_DIGITS.sub("", text),
    ),
    Field(name="address.street_address", text="Street and number", complete="street-address"),
    Field(name="address.postal_code", text="Postal code", complete="postal-code"),
    Field(name="address.locality", text="Town", complete="address-level2"),
    Field(name="address.region", text="Region", complete="address-level1"),
    Field(name="address.country", text="Country", complete="country-name"),
    _link("website", "Website", "url"),
    _link("picture", "Address of a picture of you", "photo"),
    Field(name="gender", text="Gender", complete="sex"),
    Field(
        name="birthdate",
        text="Date of birth",
        complete="bday",
        hint="1990-12-31, or 1990 alone",
        good=_birthdate,
    ),
    Field(
        name="zoneinfo",
        text="Time zone",
        hint="As in Europe/Vienna",
        good=lambda text: _ZONE.fullmatch(text) is not None,
    ),
    Field(
        name="locale",
        text="Language",
        complete="language",
        hint="As in de-AT",
        good=lambda text: _LOCALE.fullmatch(text) is not None,
    ),
)


def value_of(profile: Mapping[str, Any], name: str) -> str:
    """What the profile has for a field, empty where there is nothing."""
    claim, _, part = name.partition(".")
    found = profile.get(claim, "")
    return str((found.get(part, "") if isinstance(found, Mapping) else "") if part else found)


def changed(profile: Mapping[str, Any], form: Parameters) -> dict[str, Any]:
    """The profile with what the form says; an empty field is dropped. Raises ProfileError."""
    sent = {name for name, _ in form.pairs}
    result = dict(profile)
    for field in (*NAMES, *(each for each in MORE if each.name in sent)):
        value = field.tidy(form.get(field.name) or "")
        if len(value) > LONGEST or _CONTROL.search(value):
            what = "Names have" if field in NAMES else f"{field.text}:"
            raise ProfileError(f"{what} at most {LONGEST} characters, on one line.")
        if value and not field.good(value):
            raise ProfileError(f"{field.text}: this cannot be read. {field.hint}.")
        _put(result, field.name, value)
    return result


def _put(profile: dict[str, Any], name: str, value: str) -> None:
    claim, _, part = name.partition(".")
    if part:
        known = profile.get(claim)
        inner = dict(known) if isinstance(known, Mapping) else {}
        _put(inner, part, value)
        profile[claim] = inner
        if inner:
            return
    elif value:
        profile[claim] = value
        return
    profile.pop(claim, None)
