"""What the routes that write answer, as models with examples, and the small answers about the server itself."""

from pydantic import BaseModel, Field

from serving_layer.routes.models import STATE, Detail, Recommendations, State, shown


class Refusal(BaseModel):
    """An entry of the list that was not taken."""

    index: int
    reason: str


class Duplicate(BaseModel):
    """An entry whose id an earlier one of the same user in the list has."""

    index: int
    event_id: str


class Interactions(BaseModel):
    """Events that the broker has acknowledged."""

    model_config = shown(accepted=1, event_ids=["6f1e"], rejected=[], duplicates=[], positions={"2": 1841})

    accepted: int
    event_ids: list[str]
    rejected: list[Refusal]
    duplicates: list[Duplicate]
    positions: dict[str, int] = Field(description="By partition the offset after the last of these events.")


class Records(BaseModel):
    """Records of items or users that the broker has acknowledged."""

    model_config = shown(accepted=1, rejected=[])

    accepted: int
    rejected: list[Refusal]


class UserRecords(Records):
    """The same of users; one with preferences is answered at once."""

    recommendations: Recommendations | None = None


class ChangedItem(BaseModel):
    """An item's whole record after the change."""

    model_config = shown(accepted=1, item={"item_id": "book-7", "price": 9.5})

    accepted: int
    item: Detail


class Moved(BaseModel):
    """The history that now counts as the user's."""

    model_config = shown(user_id="ann", anonymous="visitor-1", moved=1, items=["book-2"], positions={"2": 1841})

    user_id: str
    anonymous: str
    moved: int
    items: list[str]
    positions: dict[str, int]


class Forgotten(BaseModel):
    """A user who is marked: what lies below the offset in that partition no longer counts from then on."""

    model_config = shown(
        user_id="ann", partition=2, offset=1841, at=1764324000000, known=True, unapplied=0,
        then="forgotten when the next full generation is active: `millrace batch run --full`",
    )  # fmt: skip

    user_id: str
    partition: int
    offset: int
    at: int
    known: bool | None
    unapplied: int | None
    then: str


class Alive(BaseModel):
    """The process answers."""

    model_config = shown(status="alive")

    status: str


class Ready(State):
    """Lookups can be answered."""

    model_config = shown(status="ready", **STATE)

    status: str
