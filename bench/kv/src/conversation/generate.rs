//! Makes a conversation of a seed.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use super::CLIENTS;
use super::commands::{CLEAR, STRINGS, Template, VALUES};
use crate::random::Random;

/// How two answers are compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    Exact,
    /// The items come in any order.
    Unordered,
    /// The items come two by two, and the pairs in any order.
    UnorderedPairs,
    /// Numbers that differ by so much at most.
    Clock(u64),
}

#[derive(Clone, Debug)]
pub(super) struct Question {
    pub(super) words: Vec<Vec<u8>>,
    pub(super) kind: Kind,
}

impl Question {
    pub(super) fn new(line: &str, kind: Kind) -> Self {
        Self { words: line.split(' ').map(|word| word.as_bytes().to_vec()).collect(), kind }
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, word) in self.words.iter().enumerate() {
            let space = if place == 0 { "" } else { " " };
            write!(f, "{space}\"{}\"", word.escape_ascii())?;
        }
        Ok(())
    }
}

/// A part of the conversation.
#[derive(Debug)]
pub(super) enum Scene {
    /// One client says these, all at once.
    Piece(usize, Vec<Question>),
    /// One client walks over all keys, so many at a time.
    Walk(usize, usize),
    /// Nobody says anything for so many milliseconds.
    Pause(u64),
}

#[derive(Debug)]
pub(super) struct Generator {
    random: Random,
    /// What comes next, last first.
    planned: Vec<Scene>,
    /// Seconds since 1970, when the conversation began.
    begun: u64,
}

/// Keys of each type.
const KEYS: usize = 12;

impl Generator {
    pub(super) fn new(seed: u64) -> Self {
        let begun = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        Self { random: Random::new(seed), planned: Vec::new(), begun }
    }

    /// What comes next, to a server of this version.
    pub(super) fn scene(&mut self, version: u32) -> Scene {
        if let Some(planned) = self.planned.pop() {
            return planned;
        }
        let client = self.random.below(CLIENTS);
        match self.random.below(1000) {
            0..150 => self.block(client, version),
            150..160 => Scene::Walk(client, 1 + self.random.below(20)),
            160..165 => self.short_lives(client),
            165..168 => Scene::Piece(client, vec![Question::new(CLEAR, Kind::Exact)]),
            _ => {
                let count = 1 + self.random.below(40);
                Scene::Piece(client, (0..count).map(|_| self.question(version)).collect())
            }
        }
    }

    /// A block, often with watched keys, which somebody may change before its end.
    fn block(&mut self, client: usize, version: u32) -> Scene {
        let mut piece = vec![Question::new("MULTI", Kind::Exact)];
        for _ in 0..1 + self.random.below(6) {
            let question = self.question(version);
            let name = question.words[0].to_ascii_uppercase();
            // What has no order would have none in the answer to the block, either.
            if question.kind == Kind::Exact && name != b"SELECT" {
                piece.push(question);
            }
        }
        let ends = ["EXEC", "EXEC", "EXEC", "EXEC", "DISCARD"];
        piece.push(Question::new(ends[self.random.below(ends.len())], Kind::Exact));
        self.planned.push(Scene::Piece(client, piece));
        if self.random.percent(50) {
            let other = (client + 1) % CLIENTS;
            let count = 1 + self.random.below(3);
            let between = (0..count).map(|_| self.question(version)).collect();
            self.planned.push(Scene::Piece(other, between));
            let keys: Vec<_> = (0..3).map(|_| self.fill("$s")).collect();
            let words = [b"WATCH".to_vec()].into_iter().chain(keys).collect();
            self.planned.push(Scene::Piece(client, vec![Question { words, kind: Kind::Exact }]));
        }
        self.planned.pop().unwrap_or(Scene::Pause(0))
    }

    /// A key that ends while everybody waits.
    fn short_lives(&mut self, client: usize) -> Scene {
        let key = String::from_utf8_lossy(&self.fill("$s")).into_owned();
        let ask = |line: String| Question::new(&line, Kind::Exact);
        let after = vec![
            ask(format!("GET {key}")),
            ask(format!("EXISTS {key}")),
            ask("DBSIZE".to_owned()),
            ask(format!("INCR {key}")),
        ];
        self.planned.extend([Scene::Piece(client, after), Scene::Pause(250)]);
        Scene::Piece(client, vec![ask(format!("SET {key} short PX 30"))])
    }

    fn question(&mut self, version: u32) -> Question {
        let from_values = version > 1 && self.random.percent(60);
        let templates = if from_values { VALUES } else { STRINGS };
        let (line, kind, _) = self.choose(templates);
        let mut words = self.words(line);
        if self.random.percent(10) {
            words[0].make_ascii_lowercase();
        }
        if self.random.percent(3) {
            self.spoil(&mut words);
        }
        Question { words, kind }
    }

    fn choose(&mut self, templates: &[Template]) -> Template {
        let all = templates.iter().map(|(.., weight)| weight).sum();
        let mut at = self.random.below(all);
        for template in templates {
            match at.checked_sub(template.2) {
                Some(rest) => at = rest,
                None => return *template,
            }
        }
        templates[0]
    }

    fn words(&mut self, line: &str) -> Vec<Vec<u8>> {
        let mut words = Vec::new();
        let mut rest = line.split(' ').peekable();
        while let Some(word) = rest.next() {
            if let Some(first) = word.strip_prefix('[') {
                let second = rest.next().and_then(|word| word.strip_suffix("]*")).unwrap_or("$v");
                for _ in 0..1 + self.random.below(4) {
                    words.extend([self.fill(first), self.fill(second)]);
                }
            } else if let Some(one) = word.strip_suffix('*') {
                for _ in 0..1 + self.random.below(4) {
                    words.push(self.fill(one));
                }
            } else {
                words.push(self.fill(word));
            }
        }
        words
    }

    fn fill(&mut self, word: &str) -> Vec<u8> {
        let Some((before, place)) = word.split_once('$') else { return word.as_bytes().to_vec() };
        let random = &mut self.random;
        let seconds = [-5, 0, 5_000, 70_000, 100_000];
        let filled = match place {
            "v" => return [before.as_bytes(), &self.value()].concat(),
            "n" => self.number(),
            "i" => (random.below(12) as i64 - 6).to_string(),
            "c" => random.below(5).to_string(),
            "f" => {
                random.pick(&["0", "1", "-1", "1.5", "2.25", "-0.125", "1000000", "7"]).to_string()
            }
            "m" => format!("m{}", random.below(15)),
            "e" => random.pick(&seconds).to_string(),
            "E" => (random.pick(&seconds) * 1000).to_string(),
            "a" => (self.begun as i64 + random.pick(&seconds)).to_string(),
            "A" => ((self.begun as i64 + random.pick(&seconds)) * 1000).to_string(),
            "g" => (1000 + random.below(1_000_000)).to_string(),
            "b" => (self.begun as i64 + random.pick(&seconds[2..])).to_string(),
            "B" => ((self.begun as i64 + random.pick(&seconds[2..])) * 1000).to_string(),
            "p" => random.pick(&["*", "s*", "?1", "[hz]*", "s[1-3]", "no", "*1*"]).to_string(),
            key => {
                let types = ["s", "h", "l", "t", "z"];
                let key = if random.percent(5) { random.pick(&types) } else { key };
                format!("{key}{}", random.below(KEYS))
            }
        };
        [before.as_bytes(), filled.as_bytes()].concat()
    }

    fn number(&mut self) -> String {
        let random = &mut self.random;
        match random.below(20) {
            0 => i64::MAX.to_string(),
            1 => i64::MIN.to_string(),
            2 => "abc".to_owned(),
            3 => "1.5".to_owned(),
            4 => "007".to_owned(),
            _ => (random.below(2000) as i64 - 1000).to_string(),
        }
    }

    fn value(&mut self) -> Vec<u8> {
        match self.random.below(10) {
            0 => Vec::new(),
            1..5 => self.number().into_bytes(),
            5 => vec![b'x'; self.random.below(2000)],
            6 => (0..self.random.below(20)).map(|_| self.random.next() as u8).collect(),
            _ => format!("text {}", self.random.below(100)).into_bytes(),
        }
    }

    /// Makes it wrong in one way or another.
    fn spoil(&mut self, words: &mut Vec<Vec<u8>>) {
        match self.random.below(3) {
            0 if words.len() > 1 => drop(words.pop()),
            1 => words.push(b"more".to_vec()),
            _ if words.len() > 1 => {
                let place = 1 + self.random.below(words.len() - 1);
                let wrong = ["", "abc", "1.5", "nan", "(", "-inf", "99999999999999999999"];
                // How a score of so many digits is written is not the same in all releases.
                let is_score =
                    words[0].first().is_some_and(|first| first.eq_ignore_ascii_case(&b'z'));
                let wrong = &wrong[..wrong.len() - usize::from(is_score)];
                words[place] = self.random.pick(wrong).as_bytes().to_vec();
            }
            _ => words.push(Vec::new()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Generator, Scene};

    #[test]
    fn a_seed_makes_one_conversation() {
        let said = |seed| {
            let mut generator = Generator::new(seed);
            generator.begun = 0;
            (0..50).map(|_| format!("{:?}", generator.scene(2))).collect::<String>()
        };
        assert_eq!(said(1), said(1));
        assert_ne!(said(1), said(2));
    }

    #[test]
    fn the_first_version_is_asked_for_nothing_new() {
        let mut generator = Generator::new(1);
        for _ in 0..500 {
            if let Scene::Piece(_, piece) = generator.scene(1) {
                for question in piece {
                    let name = question.words[0].to_ascii_uppercase();
                    assert!(!name.starts_with(b"H") && !name.starts_with(b"Z"), "{question}");
                }
            }
        }
    }
}
