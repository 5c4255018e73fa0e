//! Which jobs read each other, and so run together.

use std::collections::BTreeMap;

use super::spec::ChainedInput;

/// For each of `count` jobs the number of its pipeline; `chained` are those that read another one, each with the other's number.
pub fn pipelines(count: usize, chained: impl Iterator<Item = (usize, usize)>) -> Vec<usize> {
    let mut pipeline: Vec<usize> = (0..count).collect();
    for (at, upstream) in chained {
        let (from, to) = (pipeline[at], pipeline[upstream]);
        pipeline.iter_mut().for_each(|number| *number = if *number == from { to } else { *number });
    }
    pipeline
}

/// The jobs of each pipeline with their numbers, in order; `chained` gives the jobs that one reads. Pipelines come in the order of their last jobs.
pub fn in_pipelines<T>(jobs: Vec<T>, chained: impl Fn(&T) -> &[ChainedInput]) -> Vec<Vec<(usize, T)>> {
    let reads = jobs.iter().enumerate().flat_map(|(number, job)| chained(job).iter().map(move |chained| (number, chained.job)));
    let pipeline = pipelines(jobs.len(), reads);
    let mut groups: BTreeMap<usize, Vec<(usize, T)>> = BTreeMap::new();
    for (number, job) in jobs.into_iter().enumerate() {
        groups.entry(pipeline[number]).or_default().push((number, job));
    }
    let mut groups: Vec<_> = groups.into_values().collect();
    groups.sort_by_key(|group| group.last().map(|(number, _)| *number));
    groups
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn jobs_that_read_each_other_are_one_pipeline() {
        let reads = [vec![], vec![], vec![0], vec![], vec![1, 2]].map(|jobs| jobs.into_iter().map(|job| ChainedInput { name: Arc::from("s"), job }).collect());
        let reads: Vec<Vec<ChainedInput>> = reads.into();
        let groups = in_pipelines(reads, |chained| chained);
        let numbers: Vec<Vec<usize>> = groups.iter().map(|group| group.iter().map(|(number, _)| *number).collect()).collect();
        assert_eq!(numbers, [vec![3], vec![0, 1, 2, 4]]);
    }
}
