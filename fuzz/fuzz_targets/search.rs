//! Any bytes, with anchors of the built-in packs strewn in: the search stops at the lines where the naive search finds one, and at no others.
#![no_main]

use std::sync::LazyLock;

use faultscope::engine::Sink;
use faultscope::pattern::PatternSet;
use libfuzzer_sys::fuzz_target;
use memchr::memmem;

static SET: LazyLock<PatternSet> =
    LazyLock::new(|| PatternSet::builtin().unwrap_or_else(|problems| panic!("{} problems", problems.len())));

static ANCHORS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let all = (0..SET.patterns.len()).flat_map(|index| SET.engine.anchors_of(index).map(<[u8]>::to_vec));
    // The marks of CRI fragments are looked for, too.
    all.chain([b" stdout P".to_vec(), b" stderr P".to_vec()]).collect()
});

struct Starts<'b>(&'b [u8], Vec<usize>);

impl Sink for Starts<'_> {
    fn line(&mut self, start: usize, hit: usize) -> usize {
        self.1.push(start);
        memchr::memchr(b'\n', &self.0[hit..]).map_or(self.0.len(), |newline| hit + newline + 1)
    }
}

fuzz_target!(|input: (Vec<u8>, Vec<(u16, u16)>)| {
    let (mut block, strewn) = input;
    for (place, anchor) in strewn {
        let place = usize::from(place) % (block.len() + 1);
        let anchor = &ANCHORS[usize::from(anchor) % ANCHORS.len()];
        block.splice(place..place, anchor.iter().copied());
    }
    let mut found = Starts(&block, Vec::new());
    SET.engine.scan(&block, 0, &mut found);
    let mut want = Vec::new();
    let mut start = 0;
    for line in block.split_inclusive(|&byte| byte == b'\n') {
        if ANCHORS.iter().any(|anchor| memmem::find(line, anchor).is_some()) {
            want.push(start);
        }
        start += line.len();
    }
    assert_eq!(found.1, want);
});
