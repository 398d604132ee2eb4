"""What voting asks of the rooms above it: cards for the options of a poll.

Voting knows nothing of what a poll is about. Whoever has things to choose between (the ledger of
projects) registers a provider of cards once, at import; a draft names options by their codes, and
the cards are read when the draft is shown and, for good, when the poll is opened.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class MoneyTable:
    """A small table of money under a heading, such as what it costs; amounts in fen."""

    heading: str
    lines: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class CardPicture:
    """A stored picture; the hash binds the ballot's text to the picture that was shown."""

    public_id: str
    alt: str
    width: int
    height: int
    sha256: str


@dataclass(frozen=True, slots=True)
class OptionCard:
    """Everything a ballot shows of one option.

    `option` is its id in the record, `subject` the public id of the thing behind it
    (`project:P03`), `summary` what it solves; `facts` are pairs of label and text. `text_sha256`
    binds a card that is a text to be voted on; it is empty for everything else.
    """

    option: str
    subject: str
    title: str
    cost_fen: int | None = None
    summary: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    money: tuple[MoneyTable, ...] = ()
    picture: CardPicture | None = None
    text_sha256: str = ""

    def as_json(self) -> dict[str, Any]:
        """The card as `polls/<id>.text.json` of an export carries it."""
        bound = {"text_sha256": self.text_sha256} if self.text_sha256 else {}
        return bound | {
            "id": self.option,
            "subject": self.subject,
            "title": self.title,
            "cost_fen": self.cost_fen,
            "summary": self.summary,
            "facts": [{"label": label, "text": text} for label, text in self.facts],
            "money": [_money(table) for table in self.money],
            "picture": _picture(self.picture),
        }


def _money(table: MoneyTable) -> dict[str, Any]:
    lines = [{"name": name, "amount_fen": amount} for name, amount in table.lines]
    return {"heading": table.heading, "lines": lines}


def _picture(picture: CardPicture | None) -> dict[str, Any] | None:
    if picture is None:
        return None
    return {
        "public_id": picture.public_id,
        "alt": picture.alt,
        "width": picture.width,
        "height": picture.height,
        "sha256": picture.sha256,
    }


def card_from_json(stored: Mapping[str, Any]) -> OptionCard:
    """The card that was frozen at the opening."""
    picture = stored["picture"]
    return OptionCard(
        option=stored["id"],
        subject=stored["subject"],
        title=stored["title"],
        cost_fen=stored["cost_fen"],
        summary=stored["summary"],
        facts=tuple((fact["label"], fact["text"]) for fact in stored["facts"]),
        money=tuple(_table(table) for table in stored["money"]),
        picture=None if picture is None else CardPicture(**picture),
        text_sha256=stored.get("text_sha256", ""),
    )


def _table(stored: Mapping[str, Any]) -> MoneyTable:
    lines = tuple((line["name"], line["amount_fen"]) for line in stored["lines"])
    return MoneyTable(stored["heading"], lines)


CardTranslation = Callable[[OptionCard], OptionCard]
CardProvider = Callable[[int, Sequence[str] | None], list[OptionCard]]
CardCheck = Callable[[int, Sequence[str]], None]
PREFERENCE = "preference_poll"
_providers: dict[str, CardProvider] = {}
_translations: dict[str, CardTranslation] = {}
_checks: dict[str, CardCheck] = {}


def register_translation(kind: str, translation: CardTranslation) -> None:
    """Make known who can say the fixed words of a frozen card in the reader's language."""
    _translations[kind] = translation


def translated(kind: str, card: OptionCard) -> OptionCard:
    """A frozen card for a reader of another language; what people wrote stays as they wrote it."""
    translation = _translations.get(kind)
    return translation(card) if translation else card


def register_cards(provider: CardProvider) -> CardProvider:
    """Make known who has the cards of facility polls.

    The provider is called with a community's id and the codes wanted, in order (None = all there
    are); it raises NotFound for a code it does not know. It is called inside the transaction that
    opens a poll, so it only reads.
    """
    return register_cards_of(PREFERENCE, provider)


def register_cards_of(kind: str, provider: CardProvider) -> CardProvider:
    """The same for another kind of poll; the last one to register is asked."""
    _providers[kind] = provider
    return provider


def register_check(kind: str, check: CardCheck) -> None:
    """Make known who refuses things that cannot be voted on now.

    It is asked whenever a draft is saved, scheduled or opened, inside that transaction, and raises
    RuleBroken; a draft of something that has gone its way meanwhile can still be looked at.
    """
    _checks[kind] = check


def check_votable(community_id: int, codes: Sequence[str], kind: str) -> None:
    """Raise RuleBroken of the room above for what cannot be voted on now."""
    if kind in _checks:
        _checks[kind](community_id, codes)


def cards(
    community_id: int, codes: Sequence[str] | None = None, kind: str = PREFERENCE
) -> list[OptionCard]:
    """The cards with these codes in this order; None gives all that can be voted on."""
    if kind not in _providers:
        raise RuntimeError(f"no room has registered cards for {kind}")
    return _providers[kind](community_id, codes)
