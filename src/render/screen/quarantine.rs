//! What a person reads before releasing what was rolled back.

use super::{cut, minute};
use crate::gate::terms::Environment;
use crate::gate::timeline::Quarantine;

/// The release of what a rollback put into quarantine.
#[must_use]
pub fn release(
    project: &str,
    environment: &Environment,
    quarantine: &Quarantine,
    for_what: &str,
    reason: &str,
) -> String {
    let Quarantine { undone, back_to, by, at, .. } = quarantine;
    let why = quarantine.reason.as_deref().unwrap_or_default();
    let mut lines = vec![
        format!("{} · release {} from quarantine in {environment}", cut(project), undone.version),
        String::new(),
        format!("  Commit       {}", undone.commit),
        format!(
            "  Rolled back  by {by} at {}, to {} ({})",
            minute(*at),
            back_to.version,
            back_to.commit.short()
        ),
        format!("  Because      {}", cut(why)),
    ];
    lines.extend(quarantine.released.iter().map(|released| {
        format!("  Released     by {} at {}: {}", released.by, minute(released.at), cut(&released.reason))
    }));
    lines.push(format!("  Allows       {for_what}"));
    lines.push(format!("  Your reason  {}", cut(reason)));
    lines.push(String::new());
    lines.join("\n")
}
