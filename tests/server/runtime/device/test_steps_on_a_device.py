"""Whatever is true of a step on the processor is true of one on a device: the same tests again."""

from tests.server.runtime.test_ort_runner import (
    test_a_document_that_joins_leaves_those_that_run_as_they_were,
    test_a_moved_row_goes_on_as_if_it_had_always_been_there,
    test_a_moved_row_takes_what_it_has_written_along,
    test_a_short_document_in_a_row_that_held_a_long_one_is_not_touched_by_it,
    test_a_step_past_the_last_place_is_a_typed_error,
    test_lanes_do_not_touch_one_another,
)
from tests.server.runtime.test_steps import (
    test_a_branch_of_a_tree_is_answered_as_a_row_of_its_own,
    test_a_draft_that_was_wrong_leaves_no_trace,
    test_a_lane_that_grows_keeps_what_was_written,
    test_a_neighbour_that_wants_scores_changes_nothing,
    test_a_row_that_stands_at_the_last_place_may_be_padded,
    test_a_row_that_was_padded_goes_on_where_it_was,
    test_each_token_of_a_draft_is_answered_as_if_fed_alone,
    test_every_token_of_a_step_excludes_its_own,
    test_rows_of_a_wide_lane_keep_their_trees_apart,
    test_the_candidates_are_those_that_score_best,
    test_what_a_step_excludes_may_be_chosen_at_the_next,
    test_what_pads_a_row_changes_nothing_for_its_neighbours,
)

__all__ = [name for name in dir() if name.startswith("test_")]
