//! Sorting of what is mostly sorted already, as annotation files are.

use std::cmp::Ordering;

/// How often an item may move by one place, on average, before the list counts as unsorted.
const MOVES: usize = 8;

/// Sorts a list; stable.
pub(super) fn sort<T: Ord>(list: &mut [T]) {
    sort_by(list, T::cmp);
}

/// Sorts a list by a comparison; stable.
pub(super) fn sort_by<T>(list: &mut [T], order: impl Fn(&T, &T) -> Ordering) {
    let mut moves = MOVES * list.len();
    for end in 1..list.len() {
        let mut at = end;
        while at > 0 && order(&list[at], &list[at - 1]).is_lt() {
            if moves == 0 {
                return list.sort_by(order);
            }
            list.swap(at, at - 1);
            at -= 1;
            moves -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_list_comes_out_sorted_and_stable(keys in prop::collection::vec(0u8..20, 0..200)) {
            let mut found: Vec<(u8, usize)> = keys.into_iter().zip(0..).collect();
            let mut expected = found.clone();
            expected.sort();
            sort_by(&mut found, |a, b| a.0.cmp(&b.0));
            prop_assert_eq!(&found, &expected);
            sort(&mut found);
            prop_assert_eq!(found, expected);
        }
    }
}
