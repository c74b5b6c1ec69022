"""The readable twin in one place: what ``core.ranking.column_kernel`` is to compiled code."""

from core.ranking.columns import added_rows as added_rows
from core.ranking.columns import column_of as column_of
from core.ranking.columns import first as first
from core.ranking.columns import moved as moved
from core.ranking.columns import nearest_rows as nearest_rows
from core.ranking.columns import predicted as predicted
from core.ranking.columns import shares as shares
from core.ranking.columns import standing_parts as standing_parts
from core.ranking.columns import summed_parts as summed_parts
from core.ranking.columns import totals as totals
from core.ranking.features import features as features
from core.ranking.features import strongest as strongest
from core.ranking.features import weighed as weighed
from core.ranking.related import contributions as contributions
from core.ranking.related import related as related
from core.ranking.related import summed as summed
