from trtlab.planner.streams import assign_streams


def deps(*rows):
    return [frozenset(row) for row in rows]


def test_two_branches_between_a_fork_and_a_join_run_side_by_side():
    # 0 forks into 1-2 and 3; 4 joins.
    placed = assign_streams(deps([], [0], [1], [0], [2, 3]), [1, 5, 5, 3, 1], 2)
    assert [p.stream for p in placed] == [0, 0, 0, 1, 0]
    assert [p.region for p in placed] == [-1, 0, 0, 0, -1]
    assert all((p.first, p.last) == (1, 3) for p in placed[1:4])


def test_a_chain_stays_on_the_main_stream():
    placed = assign_streams(deps([], [0], [1], [2]), [1] * 4, 4)
    assert all(p.stream == 0 and p.region == -1 for p in placed)


def test_one_stream_means_no_regions():
    placed = assign_streams(deps([], [0], [0], [1, 2]), [1] * 4, 1)
    assert all(p.region == -1 for p in placed)


def test_the_longest_branches_go_to_different_streams():
    # One fork, four branches of times 8, 7, 2, 1 on two streams: 8+1 against 7+2.
    placed = assign_streams(deps([], [0], [0], [0], [0], [1, 2, 3, 4]), [1, 8, 7, 2, 1, 1], 2)
    load = {0: 0, 1: 0}
    for place, time in zip(placed[1:5], [8, 7, 2, 1], strict=True):
        load[place.stream] += time
    assert sorted(load.values()) == [9, 9]


def test_branches_that_read_all_parts_of_a_concatenation():
    # Two modules of three branches each, joined where the next one reads all three parts.
    module = [3, 5, 6]  # the last step of each branch of the first module
    rows = [[], [0], [0], [0], [2], [4], [1], module, module, module, [8], [7, 10, 9]]
    placed = assign_streams(deps(*rows), [1.0] * 12, 3)
    assert [p.region for p in placed] == [-1, *[0] * 6, *[1] * 4, -1]
    assert {placed[s].stream for s in module} == {0, 1, 2}
    assert placed[1].stream == placed[6].stream
    assert placed[2].stream == placed[4].stream == placed[5].stream
    assert placed[8].stream == placed[10].stream != placed[7].stream
    assert all((p.first, p.last) == (7, 10) for p in placed[7:11])


def test_branches_that_begin_at_inputs_run_side_by_side():
    # Two towers, 0-1-2 and 3-4, on inputs of their own; 5 joins them, 6 follows.
    rows = deps([], [0], [1], [], [3], [2, 4], [5])
    placed = assign_streams(rows, [4, 4, 4, 5, 5, 1, 1], 2)
    assert [p.stream for p in placed] == [0, 0, 0, 1, 1, 0, 0]
    assert [p.region for p in placed] == [0] * 5 + [-1] * 2
    assert all((p.first, p.last) == (0, 4) for p in placed[:5])
    three = assign_streams(deps([], [], [], [0, 1, 2]), [3, 2, 1, 1], 3)
    assert [p.stream for p in three] == [0, 1, 2, 0]


def test_a_late_look_at_an_input_does_not_undo_what_pays_more():
    # A fork and join (1-2 beside 3, 4 joins); 5 looks at an input, 6 reads both.
    rows = deps([], [0], [1], [0], [2, 3], [], [4, 5])
    short = assign_streams(rows, [1, 5, 5, 9, 1, 0.5, 1], 2)
    assert [p.region for p in short] == [-1, 0, 0, 0, -1, -1, -1]
    assert short[1].stream != short[3].stream
    long = assign_streams(rows, [1, 5, 5, 9, 1, 30, 1], 2)
    assert [p.region for p in long] == [0, 0, 0, 0, 0, 0, -1]
    assert len({p.stream for p in long[:5]}) == 1
    assert long[5].stream != long[0].stream


def test_branches_that_nobody_timed_are_spread_too():
    placed = assign_streams(deps([], [0], [0], [0], [1, 2, 3]), [0.0] * 5, 3)
    assert [p.stream for p in placed[1:4]] == [0, 1, 2]


def test_a_skip_connection_over_a_cut_is_no_cut():
    # Step 1 is read by 2 and 3; 3 also reads 0: nothing between 0 and 3 is independent.
    placed = assign_streams(deps([], [0], [1], [2, 0]), [1] * 4, 2)
    assert all(p.region == -1 for p in placed)
