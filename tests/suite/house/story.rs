//! How far a story has come when a test begins.

use super::House;

impl House {
    /// Alice has signed the rules.
    pub(crate) fn founded() -> Self {
        let house = Self::new();
        house.person("alice").signs_policy();
        house
    }

    /// Asks for v1.4.0 as the orchestrator, and answers the request's id.
    #[track_caller]
    pub(crate) fn requests(&self) -> String {
        let words = [
            "request",
            "v1.4.0",
            "--as",
            "orchestrator",
            "--since",
            "v1.3.0",
            "--summary",
            "Totals in the cart",
        ];
        let answer = self.run(words.into_iter().chain(["--json"])).any_stdout().exit(0);
        answer.json()["id"].as_str().expect("an id").to_owned()
    }

    /// A request waits.
    pub(crate) fn requested() -> (Self, String) {
        let house = Self::founded();
        let id = house.requests();
        (house, id)
    }

    /// Alice has approved it.
    pub(crate) fn approved() -> (Self, String) {
        let (house, id) = Self::requested();
        house.person("alice").approves(&id);
        (house, id)
    }

    /// And deployed it.
    pub(crate) fn deployed() -> (Self, String) {
        let (house, id) = Self::approved();
        house.person("alice").deploys(&id);
        (house, id)
    }
}
