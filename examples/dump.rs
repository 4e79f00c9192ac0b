use faultscope::pattern::PatternSet;
fn main() {
    let s = PatternSet::builtin().map_err(|p| p.len()).unwrap();
    eprintln!("{:?}", s.engine.size());
    let mut all = std::collections::BTreeMap::<Vec<u8>, usize>::new();
    for i in 0..s.patterns.len() {
        for a in s.engine.anchors_of(i) {
            *all.entry(a.to_vec()).or_default() += 1;
        }
    }
    for (a, n) in all {
        println!("{n}\t{}", a.escape_ascii());
    }
}
