use faultscope::pattern::PatternSet; use faultscope::pattern::model::Severity;
fn main(){ let s=PatternSet::builtin().map_err(|p|p.len()).unwrap();
 let healthy:String=std::fs::read_dir("tests/data/healthy").unwrap().map(|e|std::fs::read_to_string(e.unwrap().path()).unwrap()).collect();
 let mut last=String::new(); let mut n=0;
 for (i,l) in s.patterns.iter().enumerate(){ let p=&l.pattern; if p.severity<Severity::Error||p.generic{continue;} let sys=p.id.split('.').take(2).collect::<Vec<_>>().join("."); if sys==last{continue;}
  let a:Vec<String>=s.engine.anchors_of(i).map(|a|String::from_utf8_lossy(a).into_owned()).collect();
  for f in &p.tests.fires{ let t=f.log.trim_end(); if t.contains('\n')||t.len()>240||t.contains('\t'){continue;} if let Some(x)=a.iter().filter(|a|t.contains(*a)&&a.len()>=12&&!healthy.contains(*a)).max_by_key(|a|a.len()){ println!("{x}\t{t}"); last=sys.clone(); n+=1; break;} }
 } eprintln!("{n}"); }
