//! What is written is read back, also after tars were joined.

use super::*;
use crate::batch::Window;

fn sample(number: u32) -> Sample {
    let length = 10 + 700 * number;
    let gene =
        GeneModel { strand: Strand::Minus, segments: vec![Interval::new(101, 104), Interval::new(106, 109)] };
    Sample {
        meta: Meta {
            key: format!("A_one-train-{number:07}"),
            species: "A.one".into(),
            contig: "chr".into(),
            start: 100,
            end: 100 + length,
            genetic_code: 12,
            split: "train".into(),
            genes: vec![GeneRecord::new("g", &gene, 100)],
            others: vec![],
        },
        letters: vec![b'A'; length as usize],
        ids: vec![5; number as usize],
        starts: (0..number).collect(),
        reverse_tokens: 3,
        labels: vec![number as u8; length as usize],
        steps: "<eos>".into(),
    }
}

fn write(path: &Path, numbers: &[u32]) -> Shard {
    let mut writer = Writer::create(path).expect("a file");
    for &number in numbers {
        writer.write(&sample(number).encode().expect("a sample")).expect("written");
    }
    assert!(!path.exists());
    writer.finish().expect("finished");
    Shard::open(path).expect("opened")
}

fn check(shard: &Shard, numbers: &[u32]) {
    assert_eq!(shard.entries().len(), numbers.len());
    for (index, &number) in numbers.iter().enumerate() {
        let plain = sample(number);
        let Window { letters, truth, genetic_code, start, .. } = shard.window(index).expect("a window");
        let truth = truth.expect("targets");
        assert_eq!((letters, truth.labels, genetic_code, start), (plain.letters, plain.labels, 12, 100));
        assert_eq!(truth.genes[0].segments, [Interval::new(1, 4), Interval::new(6, 9)]);
        assert_eq!(shard.meta(index).expect("meta"), plain.meta);
    }
}

#[test]
fn samples_are_read_back_from_any_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let [one, two] = [vec![0, 3, 1], vec![2]];
    let first = write(&folder.path().join("one.tar"), &one);
    let second = write(&folder.path().join("two.tar"), &two);
    check(&first, &one);
    let mut joined = Writer::create(&folder.path().join("all.bin")).expect("a file");
    joined.append(&first).expect("joined");
    joined.append(&second).expect("joined");
    joined.finish().expect("finished");
    check(&Shard::open(&folder.path().join("all.bin")).expect("opened"), &[0, 3, 1, 2]);
    let straight = write(&folder.path().join("straight.tar"), &[0, 3, 1, 2]);
    check(&straight, &[0, 3, 1, 2]);
    let bytes = |name| std::fs::read(folder.path().join(name)).expect("bytes");
    assert_eq!(bytes("all.bin"), bytes("straight.tar"));
}

#[test]
fn a_tar_with_another_index_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    write(&folder.path().join("one.tar"), &[1]);
    write(&folder.path().join("two.tar"), &[1, 2]);
    std::fs::copy(folder.path().join("two.idx"), folder.path().join("one.idx")).expect("copied");
    assert!(Shard::open(&folder.path().join("one.tar")).is_err());
}
