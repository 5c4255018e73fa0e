//! The nearest valid name for a wrong one.

/// The candidate that is nearest to `name` (insertions, deletions, replacements and swapped neighbours count one each; case does not count), if it is near enough to be meant:
/// at most a third of the longer name's letters differ, or two.
pub fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = name.to_lowercase();
    let length = wanted.chars().count();
    candidates
        // Names whose lengths differ by more are not near, and the distance of a huge one takes long.
        .filter(|candidate| length.abs_diff(candidate.chars().count()) <= (length.max(candidate.chars().count()) / 3).max(2))
        .map(|candidate| (strsim::osa_distance(&wanted, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| {
            let longer = length.max(candidate.chars().count());
            *distance <= (longer / 3).max(2) && *distance < longer
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn swapped_letters_are_near_and_strangers_are_not() {
        let keys = ["topic", "path", "format"];
        assert_eq!(nearest("topik", keys.into_iter()), Some("topic"));
        assert_eq!(nearest("fromat", keys.into_iter()), Some("format"));
        assert_eq!(nearest("xyzzyplugh", keys.into_iter()), None);
        assert_eq!(nearest("PATH", keys.into_iter()), Some("path"));
    }
}
