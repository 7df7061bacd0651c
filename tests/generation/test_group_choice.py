from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genarris_fw.errors import InputError
from genarris_fw.generation.group_choice import CSD_SHARES, choose, quotas, sohncke

ALL = range(1, 231)


def test_there_are_65_sohncke_groups():
    """The count of International Tables; every crystal system has some, from P 1 to I 41 3 2."""
    groups = [group for group in ALL if sohncke(group)]
    assert len(groups) == 65
    assert set(groups) >= {1, 3, 4, 5, 18, 19, 24, 76, 78, 92, 96, 98, 144, 145, 152, 154, 155, 169, 170, 198, 213, 214}
    assert not set(groups) & {2, 6, 7, 9, 14, 15, 29, 33, 61, 62, 81, 82, 88, 110, 122, 147, 148, 167, 205, 230}


def test_both_hands_of_an_enantiomorphic_pair_are_sohncke():
    for one, other in ((76, 78), (91, 95), (92, 96), (144, 145), (151, 153), (152, 154), (169, 170), (171, 172)):
        assert sohncke(one) and sohncke(other)
    for one, other in ((178, 179), (180, 181), (212, 213)):
        assert sohncke(one) and sohncke(other)


@pytest.mark.parametrize("number", [0, 231, -1, True])
def test_a_number_that_is_no_space_group(number):
    with pytest.raises(InputError, match="must be between 1 and 230"):
        sohncke(number)


def test_choice():
    compatible = [33, 14, 2, 19, 14, 3, 230]
    assert choose("all", compatible) == [2, 3, 14, 19, 33, 230]
    assert choose("chiral", compatible) == [3, 19]
    assert choose("racemic", compatible) == [2, 14, 33, 230]
    assert choose("csd", compatible) == [2, 14, 19, 33]
    assert choose([19, 4, 19, 2], compatible) == [2, 19]
    assert choose([1], compatible) == choose("all", []) == []
    assert sorted(choose("chiral", ALL) + choose("racemic", ALL)) == list(ALL)
    with pytest.raises(InputError, match="expected all, chiral, racemic, csd or a list"):
        choose("enantiopure", compatible)
    with pytest.raises(InputError, match="between 1 and 230"):
        choose([14, 300], compatible)


def test_the_shares_are_those_of_the_database():
    """About a third in P 21/c and a quarter in P -1; the 20 hold nearly all structures, in falling order."""
    assert len(CSD_SHARES) == 20
    assert 3300 < CSD_SHARES[14] < 3500 and 2400 < CSD_SHARES[2] < 2600
    assert list(CSD_SHARES.values()) == sorted(CSD_SHARES.values(), reverse=True)
    assert 9000 < sum(CSD_SHARES.values()) < 10000
    assert sum(CSD_SHARES[group] for group in CSD_SHARES if sohncke(group)) == 698 + 524 + 102 + 88 + 41


def test_shares_of_ten_thousand():
    found = quotas("csd", ALL, 10000)
    assert sum(found.values()) == 10000 and list(found) == list(ALL)
    whole = sum(CSD_SHARES.values())
    for group, number in found.items():
        assert abs(number - 10000 * CSD_SHARES.get(group, 0) / whole) < 1


def test_the_rest_goes_to_the_largest_fractions():
    # 3380 : 698 : 317 of 4395; 10 structures: 7.69, 1.59, 0.72 -> 7, 1, 0 and one more for the two largest fractions.
    assert quotas("csd", [61, 14, 19], 10) == {14: 8, 19: 1, 61: 1}
    assert quotas("csd", [14, 2], 1) == {2: 0, 14: 1}
    assert quotas("csd", [14, 2], 0) == {2: 0, 14: 0}
    assert quotas("csd", [75, 14], 5) == {14: 5, 75: 0}


def test_other_choices_share_equally():
    assert quotas("all", [2, 14, 19], 10) == {2: 4, 14: 4, 19: 4}
    assert quotas([14], [14], 10) == {14: 10}
    assert quotas("chiral", [], 10) == {}


def test_what_cannot_be_shared():
    with pytest.raises(InputError, match="none of the compatible space groups"):
        quotas("csd", [75, 230], 10)
    with pytest.raises(InputError, match="not negative"):
        quotas("csd", [14], -1)


@given(st.sets(st.sampled_from(sorted(CSD_SHARES)), min_size=1), st.integers(0, 10**9))
def test_the_total_is_exact_and_more_is_never_less(groups, total):
    found = quotas("csd", sorted(groups), total)
    assert sum(found.values()) == total and set(found) == groups
    whole = sum(CSD_SHARES[group] for group in groups)
    assert all(
        total * CSD_SHARES[group] // whole <= n <= total * CSD_SHARES[group] // whole + 1 for group, n in found.items()
    )
    ranked = sorted(groups, key=lambda group: CSD_SHARES[group])
    assert all(found[a] <= found[b] + 1 for a, b in pairwise(ranked))
