//! Which of our categories a community rule's own one comes nearest to.

use crate::pattern::model::Category;

/// Words in a rule's category, and ours; the first that stands in it counts.
const WORDS: &[(&str, Category)] = &[
    ("auth", Category::Access),
    ("access", Category::Access),
    ("permission", Category::Access),
    ("insecure", Category::Configuration),
    ("certificate", Category::Certificate),
    ("tls", Category::Certificate),
    ("database", Category::Database),
    ("postgres", Category::Database),
    ("mongodb", Category::Database),
    ("orm-", Category::Database),
    ("memory", Category::Memory),
    ("timeout", Category::Timeout),
    ("storage", Category::Storage),
    ("disk", Category::Storage),
    ("exhaustion", Category::Capacity),
    ("network", Category::Network),
    ("proxy", Category::Network),
    ("load-balancer", Category::Network),
    ("vpc", Category::Network),
    ("istio", Category::Network),
    ("envoy", Category::Network),
    ("connectivity", Category::Network),
    ("dns", Category::Network),
    ("configuration", Category::Configuration),
    ("provisioning", Category::Configuration),
    ("image", Category::Image),
    ("schedul", Category::Scheduling),
    ("crash", Category::Crash),
    ("startup", Category::Crash),
    ("probe", Category::Health),
];

/// The nearest one. Where nothing says more, a community rule tells of something that others depend on.
pub(super) fn nearest(category: &str) -> Category {
    // What is kept in memory is a database all the same.
    let category = category.to_ascii_lowercase().replace("in-memory-database", "database");
    WORDS.iter().find(|(word, _)| category.contains(word)).map_or(Category::Dependency, |(_, ours)| *ours)
}
