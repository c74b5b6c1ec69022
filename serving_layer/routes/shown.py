"""What the routes answer that a page needs beside the lookups, as models with examples."""

from typing import Any

from pydantic import BaseModel, Field

from serving_layer.routes.models import ROW, STATE, Detail, Listed, Row, State, shown


class Status(BaseModel):
    """The state of everything, as the command `status` prints it."""

    model_config = shown(
        generation="20261128T090000-4f1c", epoch=3, boundary={"0": 123}, segment=12, degraded=[], applied={"0": 150},
        end={"0": 150}, lag_events=0, freshness_seconds=0.0, as_of=1764324000000, events=312, duplicates=0, excess=0,
        excess_users=[], crowded_dimensions=[], rejected=1,
        rejected_by_reason={"malformed": 1}, rejected_catalogue={"malformed": 1}, held=False, refused_in_a_row=0,
        forgotten_waiting=0, epoch_pending=False, modes={"engine": "spark"}, blend="learned to blend als and similar",
        speed={"alive": True}, schedule={"alive": True}, messages=[],
    )  # fmt: skip

    generation: str | None
    epoch: int | None
    boundary: dict[str, int] | None
    segment: int | None
    degraded: list[str]
    applied: dict[str, int] | None
    end: dict[str, int] | None
    lag_events: int | None
    freshness_seconds: float | None
    as_of: int | None
    events: int
    duplicates: int | None
    excess: int = Field(description="Events beyond one user's share of an item: they do not count in popularity.")
    excess_users: list[Detail] = Field(description="Whose they are in the last week: user_id, events; the ten most.")
    crowded_dimensions: list[Detail] = Field(description="More than 10,000 counters in an hour: dimension, counters.")
    rejected: int
    rejected_by_reason: dict[str, int]
    rejected_catalogue: dict[str, int] | None
    held: bool | None = Field(description="A rollback holds: scheduled runs publish without activating.")
    refused_in_a_row: int | None = Field(description="Generations that the gate kept from serving.")
    forgotten_waiting: int | None = Field(description="Users to be forgotten by the next full generation.")
    epoch_pending: Any
    modes: Detail
    blend: str | None = Field(description="What the active generation says of its learned blend.")
    speed: Detail
    schedule: Detail | None
    messages: list[str] = Field(description="What a person should do, as sentences.")


class Counted(Row):
    """An item of a list: some members of its record, and its counts of each hour by layer."""

    title: str | None
    brand: str | None
    price: float | None
    image: str | None
    known: bool
    hidden: bool
    batch: list[int] = Field(description="Of the generation, one for each hour.")
    speed: list[int] = Field(description="What the segments add to them.")


class Several(State):
    """Several items, in the order asked for."""

    model_config = shown(
        **STATE, hours=[1764320400000, 1764324000000],
        items=[{**ROW, "title": "A book", "brand": "Press", "price": 12.5,
                "image": "https://shop.example/7.jpg", "known": True, "hidden": False,
                "batch": [4, 0], "speed": [0, 7]}],
    )  # fmt: skip

    hours: list[int] = Field(description="Where each hour begins, epoch ms.")
    items: list[Counted]


class Active(BaseModel):
    """A user who did something lately."""

    user_id: str


class ActiveUsers(State):
    """Users of the last commits, the latest first, then any."""

    model_config = shown(**STATE, users=[{"user_id": "ann"}])

    users: list[Active]


class Merged(Row):
    """A neighbour: its merged co-rating, and the parts that add up to it."""

    score: float
    co_rating: float
    norm: float
    batch: float = Field(description="The generation's part.")
    speed: float = Field(description="What the segments add.")


class Merge(Listed):
    """An item's neighbours with what each layer adds."""

    model_config = shown(
        item_id="book-2", **STATE, exact=True, shrinkage=0.0, norm=41.0, norm_batch=40.0, norm_speed=1.0,
        items=[{**ROW, "score": 0.4, "co_rating": 16.0, "norm": 39.0, "batch": 15.0, "speed": 1.0}],
        next_cursor="q83vASNFZ4mrze8",
    )  # fmt: skip

    item_id: str
    exact: bool
    shrinkage: float
    norm: float
    norm_batch: float
    norm_speed: float
    items: list[Merged]


class Part(BaseModel):
    """One part; `state` is up, slow, off (nobody started it) or down (it does not answer)."""

    part: str
    state: str
    says: str
    remedy: str = Field(description="Empty where nothing is wrong.")
    milliseconds: float | None = Field(description="That one small question took; null where none was asked.")


class Parts(BaseModel):
    """Every part of the installation."""

    model_config = shown(
        parts=[{"part": "batch views", "state": "up", "says": "sqlite, 2 generations kept", "remedy": "",
                "milliseconds": 0.4}]
    )  # fmt: skip

    parts: list[Part]


STANDING = {"active": "20261128T090000-4f1c", "predecessor": "20261127T090000-77a0", "held": True, "refused": 0}


class Standing(BaseModel):
    """Which generation serves."""

    model_config = shown(**STANDING)

    active: str | None
    predecessor: str | None
    held: bool = Field(description="A rollback holds: scheduled runs publish without activating.")
    refused: int = Field(description="Generations in a row that the gate kept from serving.")


class Generation(BaseModel):
    """A kept generation, or with `done` one in the making."""

    id: str | None
    active: bool
    predecessor: bool
    held: bool
    boundary: dict[str, int]
    published_at: int | None
    reason: str
    mode: str
    done: list[str] | None
    gate: Detail
    events: int
    new_events: int | None
    duplicates: int
    rows: dict[str, int]
    step_seconds: dict[str, float]
    rankings: dict[str, Detail] = Field(description="By ranking: users, ndcg@10.")


class Generations(Standing):
    """The kept generations, oldest first, and those in the making."""

    model_config = shown(
        **STANDING,
        generations=[{
            "id": "20261128T090000-4f1c", "active": True, "predecessor": False, "held": False, "boundary": {"0": 123},
            "published_at": 1764324000000, "reason": "", "mode": "full", "done": ["compute", "publish"],
            "gate": {"passed": True}, "events": 312, "new_events": 12, "duplicates": 0, "rows": {"pairs": 40},
            "step_seconds": {"compute": 1.2}, "rankings": {"blend": {"users": 200, "ndcg@10": 0.14}},
        }],
    )  # fmt: skip

    generations: list[Generation]


class ProofState(BaseModel):
    """How far a proof is; `outcome` is never, running, proved, mismatches or failed."""

    model_config = shown(outcome="running", phase="comparing", sums=1200, mismatches=0, events=3000)

    outcome: str
    phase: str
    sums: int = Field(description="Values compared so far.")
    mismatches: int
    events: int = 0
    error: str = ""
    examples: list[str] = []
