//! When it may be deployed: allow and deny windows in a time zone, by action. Deny wins.
//!
//! A window is judged on the local clock of its zone, so an hour that daylight saving skips never opens
//! and an hour that it repeats is open twice.

use std::collections::BTreeSet;

use chrono::{DateTime, Datelike, Days, Duration, NaiveDate, NaiveDateTime, NaiveTime, Utc, Weekday};

use super::config::{ActionKind, RawWindow, RawWindows};
use super::zone::Zone;

/// The windows of one environment.
#[derive(Clone, Debug)]
pub struct Windows {
    zone: Zone,
    allow: Vec<Window>,
    deny: Vec<Window>,
}

impl Default for Windows {
    fn default() -> Self {
        Self { zone: Zone::UTC, allow: Vec::new(), deny: Vec::new() }
    }
}

#[derive(Clone, Debug)]
struct Window {
    name: Option<String>,
    days: [bool; 7],
    hours: Option<(NaiveTime, NaiveTime)>,
    from: Option<Edge>,
    /// The first moment after it.
    to: Option<Edge>,
    actions: BTreeSet<ActionKind>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Edge {
    at: NaiveDateTime,
    /// Said as a date: hours past midnight belong to the day on which they begin.
    is_date: bool,
}

/// Whether an action may start at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opening {
    /// It may.
    Open,
    /// No allow window is open.
    Closed {
        /// The next opening within a year, in the zone's words.
        next: Option<String>,
    },
    /// A deny window is open.
    Blackout {
        /// Its position in `deny`.
        index: usize,
        /// Its name.
        name: Option<String>,
        /// The next opening within a year, in the zone's words.
        next: Option<String>,
    },
}

/// How far ahead an opening is looked for.
const HORIZON_DAYS: u64 = 366;

impl Windows {
    /// Checks the windows of a file.
    ///
    /// # Errors
    /// Every problem, with the key below `windows`.
    pub fn check(raw: RawWindows) -> Result<Self, Vec<(String, String)>> {
        let mut problems = Vec::new();
        let name = raw.timezone.as_deref().unwrap_or("UTC");
        let zone = Zone::named(name).unwrap_or_else(|| {
            let what = format!("`{name}` is not a time zone, such as `Europe/Berlin`");
            problems.push(("timezone".to_owned(), what));
            Zone::UTC
        });
        let mut list = |key: &str, windows: Vec<RawWindow>| {
            let mut checked = Vec::new();
            for (index, window) in windows.into_iter().enumerate() {
                match Window::check(window) {
                    Ok(window) => checked.push(window),
                    Err((field, what)) => problems.push((format!("{key}[{index}].{field}"), what)),
                }
            }
            checked
        };
        let allow = list("allow", raw.allow);
        let deny = list("deny", raw.deny);
        if problems.is_empty() { Ok(Self { zone, allow, deny }) } else { Err(problems) }
    }

    /// The zone whose clocks count.
    #[must_use]
    pub const fn zone(&self) -> &Zone {
        &self.zone
    }

    /// Judges one moment.
    #[must_use]
    pub fn at(&self, now: DateTime<Utc>, action: ActionKind) -> Opening {
        // At the very ends of the calendar a zone's clock cannot say the time: then nothing is known to be open.
        let Some(local) = self.zone.local(now) else {
            return Opening::Closed { next: None };
        };
        let denying = self.deny.iter().position(|window| window.holds(local, action));
        if let Some(index) = denying {
            let name = self.deny[index].name.clone();
            return Opening::Blackout { index, name, next: self.next(now, local.date(), action) };
        }
        if self.allowed(local, action) {
            Opening::Open
        } else {
            Opening::Closed { next: self.next(now, local.date(), action) }
        }
    }

    /// Judges a time that somebody wrote: `2026-12-25 18:00` on the zone's clocks, or RFC 3339. `None` where it is in other
    /// words, and for a day without a time, in which there may be an opening.
    #[must_use]
    pub fn at_time(&self, text: &str, action: ActionKind) -> Option<Opening> {
        if !text.contains(':') {
            return None;
        }
        let there = || self.instant(parse_moment(text, false).ok()?.at);
        let at = DateTime::parse_from_rfc3339(text).map(|at| at.with_timezone(&Utc)).ok().or_else(there)?;
        Some(self.at(at, action))
    }

    /// One line for screens: what is allowed and denied.
    #[must_use]
    pub fn words(&self) -> Option<String> {
        if self.allow.is_empty() && self.deny.is_empty() {
            return None;
        }
        let names = |windows: &[Window]| windows.iter().map(Window::words).collect::<Vec<_>>().join(", ");
        let mut words = Vec::new();
        if !self.allow.is_empty() {
            words.push(format!("open {}", names(&self.allow)));
        }
        if !self.deny.is_empty() {
            words.push(format!("closed {}", names(&self.deny)));
        }
        Some(format!("{} ({})", words.join("; "), self.zone))
    }

    /// Every window with all that is said of it, for whoever signs it.
    #[must_use]
    pub fn whole(&self) -> Vec<String> {
        let line = |word: &str, window: &Window| {
            let name = window.name.as_ref().map_or_else(String::new, |name| format!(" {name}"));
            let times = window.times();
            let times = if times.is_empty() { String::new() } else { format!(" {times}") };
            let actions: Vec<String> =
                window.actions.iter().map(|action| format!("{action:?}").to_lowercase()).collect();
            format!("{word}{name}{times} for {} ({})", actions.join(", "), self.zone)
        };
        let open = self.allow.iter().map(|window| line("open", window));
        open.chain(self.deny.iter().map(|window| line("closed", window))).collect()
    }

    fn allowed(&self, local: NaiveDateTime, action: ActionKind) -> bool {
        let mut about = self.allow.iter().filter(|window| window.actions.contains(&action)).peekable();
        about.peek().is_none() || about.any(|window| window.holds(local, action))
    }

    fn open(&self, local: NaiveDateTime, action: ActionKind) -> bool {
        !self.deny.iter().any(|window| window.holds(local, action)) && self.allowed(local, action)
    }

    /// The next moment that is open: only an edge of a window or a midnight can open one.
    fn next(&self, now: DateTime<Utc>, today: NaiveDate, action: ActionKind) -> Option<String> {
        let windows = || self.allow.iter().chain(&self.deny);
        let mut times: Vec<NaiveTime> =
            windows().filter_map(|window| window.hours).flat_map(|(a, b)| [a, b]).collect();
        times.push(NaiveTime::MIN);
        let once: Vec<NaiveDateTime> =
            windows().flat_map(|window| [window.from, window.to]).flatten().map(|edge| edge.at).collect();
        (0..HORIZON_DAYS).find_map(|ahead| {
            let day = today.checked_add_days(Days::new(ahead))?;
            let mut moments: Vec<NaiveDateTime> = times.iter().map(|time| day.and_time(*time)).collect();
            moments.extend(once.iter().filter(|moment| moment.date() == day));
            let mut instants: Vec<DateTime<Utc>> =
                moments.iter().filter_map(|moment| self.instant(*moment)).collect();
            instants.sort_unstable();
            let opens =
                |at: &DateTime<Utc>| self.zone.local(*at).is_some_and(|local| self.open(local, action));
            instants.into_iter().find(|at| *at > now && opens(at)).and_then(|at| self.zone.words(at))
        })
    }

    /// The first instant that shows this local time or, where daylight saving skips it, the first after.
    fn instant(&self, local: NaiveDateTime) -> Option<DateTime<Utc>> {
        (0..=12).find_map(|quarter| {
            let later = local.checked_add_signed(Duration::minutes(15 * quarter))?;
            self.zone.first(later)
        })
    }
}

impl Window {
    fn check(raw: RawWindow) -> Result<Self, (&'static str, String)> {
        let RawWindow { name, days, hours, from, to, actions } = raw;
        if days.is_none() && hours.is_none() && from.is_none() && to.is_none() {
            return Err(("days", "say when: `days`, `hours`, `from` or `to`".to_owned()));
        }
        let days = days.as_deref().map_or(Ok([true; 7]), parse_days).map_err(|what| ("days", what))?;
        let hours = hours.as_deref().map(parse_hours).transpose().map_err(|what| ("hours", what))?;
        let from = from
            .as_deref()
            .map(|text| parse_moment(text, false))
            .transpose()
            .map_err(|what| ("from", what))?;
        let to =
            to.as_deref().map(|text| parse_moment(text, true)).transpose().map_err(|what| ("to", what))?;
        if let (Some(from), Some(to)) = (from, to)
            && from.at >= to.at
        {
            return Err(("to", "the window ends before it begins".to_owned()));
        }
        let actions =
            actions.map_or_else(|| BTreeSet::from([ActionKind::Deploy]), |list| list.into_iter().collect());
        if actions.is_empty() {
            return Err(("actions", "say `deploy`, `rollback` or both".to_owned()));
        }
        Ok(Self { name, days, hours, from, to, actions })
    }

    fn holds(&self, local: NaiveDateTime, action: ActionKind) -> bool {
        let began = self.began(local);
        let read = |edge: Edge| if edge.is_date { began } else { local };
        self.actions.contains(&action)
            && self.from.is_none_or(|from| read(from) >= from.at)
            && self.to.is_none_or(|to| read(to) < to.at)
            && self.in_hours(local)
    }

    /// The same moment, but of the day on which the hours began that it is in.
    fn began(&self, local: NaiveDateTime) -> NaiveDateTime {
        match self.hours {
            Some((start, end)) if start >= end && local.time() < end => {
                local.checked_sub_days(Days::new(1)).unwrap_or(local)
            }
            _ => local,
        }
    }

    fn in_hours(&self, local: NaiveDateTime) -> bool {
        let day = |date: NaiveDate| self.days[date.weekday().num_days_from_monday() as usize];
        let today = day(local.date());
        let Some((start, end)) = self.hours else { return today };
        let time = local.time();
        if start < end {
            return today && time >= start && time < end;
        }
        let yesterday = local.date().pred_opt().is_some_and(day);
        (today && time >= start) || (yesterday && time < end)
    }

    fn words(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.times())
    }

    fn times(&self) -> String {
        let mut words = Vec::new();
        if self.days != [true; 7] {
            let names = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
            let open: Vec<&str> =
                names.iter().zip(self.days).filter(|(_, open)| *open).map(|(name, _)| *name).collect();
            words.push(open.join(" "));
        }
        if let Some((start, end)) = self.hours {
            words.push(format!("{}-{}", start.format("%H:%M"), end.format("%H:%M")));
        }
        if let Some(from) = self.from {
            words.push(format!("from {}", from.at.format("%Y-%m-%d %H:%M")));
        }
        if let Some(to) = self.to {
            words.push(format!("until {}", to.at.format("%Y-%m-%d %H:%M")));
        }
        words.join(" ")
    }
}

fn parse_day(text: &str) -> Result<usize, String> {
    let weekday: Weekday =
        text.trim().parse().map_err(|_| format!("`{}` is not a day, such as `mon`", text.trim()))?;
    Ok(weekday.num_days_from_monday() as usize)
}

fn parse_days(text: &str) -> Result<[bool; 7], String> {
    let mut days = [false; 7];
    for part in text.split(',') {
        let (first, last) = match part.split_once('-') {
            Some((first, last)) => (parse_day(first)?, parse_day(last)?),
            None => (parse_day(part)?, parse_day(part)?),
        };
        let mut day = first;
        days[day] = true;
        while day != last {
            day = (day + 1) % 7;
            days[day] = true;
        }
    }
    Ok(days)
}

fn parse_hours(text: &str) -> Result<(NaiveTime, NaiveTime), String> {
    let wrong = || format!("`{text}` is not a span of hours, such as `09:00-16:00`");
    let (start, end) = text.split_once('-').ok_or_else(wrong)?;
    let time = |text: &str| NaiveTime::parse_from_str(text.trim(), "%H:%M").map_err(|_| wrong());
    // `24:00` is the midnight after, so nothing begins then: a span ends with its day, also from `00:00`.
    let whole = end.trim() == "24:00";
    let (start, end) = (time(start)?, if whole { NaiveTime::MIN } else { time(end)? });
    if start == end && !whole { Err(wrong()) } else { Ok((start, end)) }
}

/// A date or a date and time; the end of a window that is a date includes that day.
fn parse_moment(text: &str, end: bool) -> Result<Edge, String> {
    if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        let day = if end { date.checked_add_days(Days::new(1)).unwrap_or(date) } else { date };
        return Ok(Edge { at: day.and_time(NaiveTime::MIN), is_date: true });
    }
    match NaiveDateTime::parse_from_str(&text.replace('T', " "), "%Y-%m-%d %H:%M") {
        Ok(at) => Ok(Edge { at, is_date: false }),
        Err(_) => {
            Err(format!("`{text}` is not a date or a moment, such as `2026-12-20` or `2026-12-20 18:00`"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn windows(zone: &str, allow: &[(&str, &str)], deny: Vec<RawWindow>) -> Windows {
        let window = |(days, hours): &(&str, &str)| RawWindow {
            name: None,
            days: Some((*days).to_owned()),
            hours: Some((*hours).to_owned()),
            from: None,
            to: None,
            actions: None,
        };
        let raw =
            RawWindows { timezone: Some(zone.to_owned()), allow: allow.iter().map(window).collect(), deny };
        Windows::check(raw).unwrap()
    }

    fn freeze(from: &str, to: &str) -> RawWindow {
        RawWindow {
            name: Some("freeze".to_owned()),
            days: None,
            hours: None,
            from: Some(from.to_owned()),
            to: Some(to.to_owned()),
            actions: None,
        }
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn no_windows_are_always_open() {
        assert_eq!(Windows::default().at(at("2026-11-23T03:00:00Z"), ActionKind::Deploy), Opening::Open);
    }

    #[test]
    fn a_closed_window_names_the_next_opening() {
        let windows = windows("Europe/Berlin", &[("mon-thu", "09:00-16:00")], vec![]);
        let friday = at("2026-11-27T10:00:00Z");
        let next = Some("Mon 2026-11-30 09:00 CET".to_owned());
        assert_eq!(windows.at(friday, ActionKind::Deploy), Opening::Closed { next });
        assert_eq!(windows.at(at("2026-11-26T14:59:59Z"), ActionKind::Deploy), Opening::Open);
        assert!(matches!(windows.at(at("2026-11-26T15:00:00Z"), ActionKind::Deploy), Opening::Closed { .. }));
    }

    #[test]
    fn deny_wins_and_still_lets_a_rollback_through() {
        let windows = windows("UTC", &[("mon-sun", "00:00-24:00")], vec![freeze("2026-12-20", "2027-01-03")]);
        let inside = at("2027-01-03T23:59:00Z");
        let next = Some("Mon 2027-01-04 00:00 UTC".to_owned());
        let blackout = Opening::Blackout { index: 0, name: Some("freeze".to_owned()), next };
        assert_eq!(windows.at(inside, ActionKind::Deploy), blackout);
        assert_eq!(windows.at(inside, ActionKind::Rollback), Opening::Open);
    }

    #[test]
    fn an_hour_that_daylight_saving_skips_never_opens() {
        // Berlin, 2027-03-28: 02:00 becomes 03:00.
        let windows = windows("Europe/Berlin", &[("sun", "02:00-03:00")], vec![]);
        for minute in 0..180 {
            let moment = at("2027-03-28T00:00:00Z") + Duration::minutes(minute);
            assert!(matches!(windows.at(moment, ActionKind::Deploy), Opening::Closed { .. }), "{moment}");
        }
    }

    #[test]
    fn an_hour_that_daylight_saving_repeats_is_open_twice() {
        // Berlin, 2026-10-25: 03:00 becomes 02:00.
        let windows = windows("Europe/Berlin", &[("sun", "02:00-03:00")], vec![]);
        for moment in ["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"] {
            assert_eq!(windows.at(at(moment), ActionKind::Deploy), Opening::Open);
        }
    }

    #[test]
    fn an_opening_that_daylight_saving_skips_is_the_first_moment_after_it() {
        let windows = windows("Europe/Berlin", &[("sun", "02:15-04:00")], vec![]);
        let next = Some("Sun 2027-03-28 03:00 CEST".to_owned());
        assert_eq!(windows.at(at("2027-03-27T12:00:00Z"), ActionKind::Deploy), Opening::Closed { next });
        assert_eq!(windows.at(at("2027-03-28T01:00:00Z"), ActionKind::Deploy), Opening::Open);
    }

    #[test]
    fn a_time_that_was_written_is_judged_on_the_zones_clocks_and_prose_is_not() {
        let windows = windows("Europe/Berlin", &[("mon-thu", "09:00-16:00")], vec![]);
        let open =
            |text: &str| windows.at_time(text, ActionKind::Deploy).map(|opening| opening == Opening::Open);
        assert_eq!(open("2026-11-23 15:59"), Some(true));
        assert_eq!(open("2026-11-23T15:59:00Z"), Some(false));
        assert_eq!(open("2026-11-27 10:00"), Some(false));
        assert_eq!(open("Monday after lunch"), None);
    }

    #[test]
    fn a_leap_day_is_a_day_and_a_freeze_goes_on_into_the_next_year() {
        let windows = windows(
            "Asia/Kathmandu",
            &[],
            vec![freeze("2028-02-29", "2028-02-29"), freeze("2027-12-24", "2028-01-01")],
        );
        let closed =
            |moment: &str| matches!(windows.at(at(moment), ActionKind::Deploy), Opening::Blackout { .. });
        // Midnight in Kathmandu is 18:15 of the day before.
        for (moment, is_closed) in [
            ("2028-02-28T18:14:59Z", false),
            ("2028-02-28T18:15:00Z", true),
            ("2028-02-29T18:14:59Z", true),
            ("2028-02-29T18:15:00Z", false),
            ("2027-12-31T23:59:59Z", true),
            ("2028-01-01T18:14:59Z", true),
            ("2028-01-01T18:15:00Z", false),
        ] {
            assert_eq!(closed(moment), is_closed, "{moment}");
        }
    }

    #[test]
    fn a_window_past_midnight_belongs_to_the_day_it_starts() {
        let windows = windows("UTC", &[("fri", "22:00-04:00")], vec![]);
        assert_eq!(windows.at(at("2026-11-28T03:59:00Z"), ActionKind::Deploy), Opening::Open);
        assert!(matches!(windows.at(at("2026-11-27T03:59:00Z"), ActionKind::Deploy), Opening::Closed { .. }));
    }

    #[test]
    fn a_date_is_about_the_nights_that_begin_on_it_and_a_moment_about_itself() {
        let night = |from: &str, to: &str| {
            let freeze = RawWindow { hours: Some("22:00-04:00".to_owned()), ..freeze(from, to) };
            let windows = windows("UTC", &[], vec![freeze]);
            let closed =
                |moment: &str| matches!(windows.at(at(moment), ActionKind::Deploy), Opening::Blackout { .. });
            ["01T03:00", "01T23:00", "02T03:59", "02T04:00", "02T23:00"]
                .map(|time| closed(&format!("2026-12-{time}:00Z")))
        };
        assert_eq!(night("2026-12-01", "2026-12-01"), [false, true, true, false, false]);
        assert_eq!(night("2026-11-30", "2026-12-01"), [true, true, true, false, false]);
        assert_eq!(night("2026-12-01 00:00", "2026-12-02 00:00"), [true, true, false, false, false]);
    }

    #[test]
    fn nothing_begins_at_the_midnight_after() {
        assert!(parse_hours("24:00-06:00").is_err());
        assert!(parse_hours("22:00-24:00").is_ok());
    }

    #[test]
    fn a_wrong_window_says_which_key() {
        let raw = RawWindows {
            timezone: Some("Mars/Base".to_owned()),
            allow: vec![RawWindow { hours: Some("9".to_owned()), ..freeze("2026-01-01", "2026-01-02") }],
            deny: vec![freeze("2026-01-02", "2026-01-01")],
        };
        let keys: Vec<String> = Windows::check(raw).unwrap_err().into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, ["timezone", "allow[0].hours", "deny[0].to"]);
    }

    fn moments() -> impl proptest::strategy::Strategy<Value = DateTime<Utc>> {
        use proptest::prelude::Strategy as _;
        // The years that a date in RFC 3339 can name.
        (-62_135_596_800..253_402_300_799_i64)
            .prop_map(|seconds| DateTime::from_timestamp(seconds, 0).unwrap())
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig {
            cases: 64,
            failure_persistence: None,
            ..proptest::prelude::ProptestConfig::default()
        })]

        #[test]
        fn no_zone_and_no_moment_panics_and_deny_wins(
            zone in proptest::sample::select(jiff::tz::TimeZoneDatabase::bundled().available().map(|name| name.to_string()).collect::<Vec<String>>()),
            near in 0..4_000_000_000_i64,
            now in moments(),
            days in "(mon|tue|wed|thu|fri|sat|sun)(-(mon|sat))?",
            hours in "[01][0-9]:[0-5]0-(2[0-3]:30|24:00)",
        ) {
            let recurring = |days: &str, hours: &str| RawWindow {
                name: None,
                days: Some(days.to_owned()),
                hours: Some(hours.to_owned()),
                from: None,
                to: None,
                actions: None,
            };
            let open = windows(&zone, &[(&days, &hours)], vec![]);
            let denied = windows(&zone, &[(&days, &hours)], vec![recurring(&days, &hours)]);
            let only_denied = windows(&zone, &[], vec![recurring(&days, &hours)]);
            for now in [now, DateTime::from_timestamp(near, 0).unwrap()] {
                let opening = open.at(now, ActionKind::Deploy);
                proptest::prop_assert!(denied.at(now, ActionKind::Deploy) != Opening::Open);
                let blackout = matches!(only_denied.at(now, ActionKind::Deploy), Opening::Blackout { .. });
                proptest::prop_assert_eq!(opening == Opening::Open, blackout);
                proptest::prop_assert_eq!(denied.at(now, ActionKind::Rollback), Opening::Open);
            }
        }

        #[test]
        fn no_text_of_a_window_panics(days in ".{0,12}", hours in "[0-9:. -]{0,12}", from in "[0-9T :-]{0,20}") {
            let raw = RawWindow {
                name: None,
                days: Some(days),
                hours: Some(hours),
                from: Some(from.clone()),
                to: Some(from),
                actions: None,
            };
            let raw = RawWindows { timezone: None, allow: vec![raw], deny: vec![] };
            let _ = Windows::check(raw);
        }
    }

    #[test]
    fn the_edges_of_time_are_no_panic() {
        let windows = windows(
            "Pacific/Kiritimati",
            &[("mon", "09:00-16:00")],
            vec![freeze("2026-01-01", "2026-01-02")],
        );
        for moment in [DateTime::<Utc>::MAX_UTC, DateTime::<Utc>::MIN_UTC] {
            let _ = windows.at(moment, ActionKind::Deploy);
        }
    }

    #[test]
    fn a_whole_day_ends_at_its_midnight() {
        let windows = windows("UTC", &[("sat", "00:00-24:00")], vec![]);
        assert_eq!(windows.at(at("2026-11-28T00:00:00Z"), ActionKind::Deploy), Opening::Open);
        assert_eq!(windows.at(at("2026-11-28T23:59:59Z"), ActionKind::Deploy), Opening::Open);
        let next = Some("Sat 2026-12-05 00:00 UTC".to_owned());
        assert_eq!(windows.at(at("2026-11-29T00:00:00Z"), ActionKind::Deploy), Opening::Closed { next });
    }

    #[test]
    fn a_window_about_rollbacks_only_says_nothing_about_deployments() {
        let raw =
            RawWindow { actions: Some(vec![ActionKind::Rollback]), ..freeze("2026-12-20", "2027-01-03") };
        let windows = windows("UTC", &[], vec![raw]);
        let inside = at("2026-12-25T00:00:00Z");
        assert_eq!(windows.at(inside, ActionKind::Deploy), Opening::Open);
        assert!(matches!(windows.at(inside, ActionKind::Rollback), Opening::Blackout { .. }));
    }
}
