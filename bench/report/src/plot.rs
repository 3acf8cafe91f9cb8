//! Lines over an axis, as SVG.

use std::fmt::Write;

use crate::escape::escape;
use crate::scale::{Scale, short};

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 330.0;
const LEFT: f64 = 74.0;
const RIGHT: f64 = 18.0;
const TOP: f64 = 62.0;
const BOTTOM: f64 = 46.0;

/// Colours that can be told apart also by people who see some of them alike.
const COLOURS: [&str; 7] =
    ["#555555", "#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];

/// One line of a plot.
///
/// ```
/// let line = upgradable_report::Line::new("lazy", vec![(0.0, 1.0), (0.1, 3.0)]);
/// assert_eq!(line.name(), "lazy");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    name: String,
    points: Vec<(f64, f64)>,
}

impl Line {
    /// A line through points, from left to right. Points that are no numbers leave a gap.
    ///
    /// ```
    /// let line = upgradable_report::Line::new("lazy", vec![(0.0, 1.0)]);
    /// ```
    #[must_use]
    pub fn new(name: impl Into<String>, points: Vec<(f64, f64)>) -> Self {
        Self { name: name.into(), points }
    }

    /// What it is called in the legend.
    ///
    /// ```
    /// assert_eq!(upgradable_report::Line::new("eager", Vec::new()).name(), "eager");
    /// ```
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// A plot: lines over one pair of axes, and instants that are marked.
///
/// ```
/// use upgradable_report::{Line, Plot};
/// let plot = Plot::new("latency", "Latency", "s", "us")
///     .logarithmic()
///     .line(Line::new("p99", vec![(0.0, 12.0), (1.0, 900.0)]))
///     .mark(0.5, "upgrade");
/// assert!(plot.svg().starts_with("<svg"));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Plot {
    id: String,
    title: String,
    x: String,
    y: String,
    logarithmic: bool,
    lines: Vec<Line>,
    marks: Vec<(f64, String)>,
}

impl Plot {
    /// An empty plot. The id becomes the name of its file; then the title, and what the axes show.
    ///
    /// ```
    /// let plot = upgradable_report::Plot::new("memory", "Memory over time", "s", "MB");
    /// assert_eq!(plot.id(), "memory");
    /// ```
    #[must_use]
    pub fn new(
        id: impl Into<String>,
        title: impl Into<String>,
        x: impl Into<String>,
        y: impl Into<String>,
    ) -> Self {
        Self {
            id: id.into(),
            title: title.into(),
            x: x.into(),
            y: y.into(),
            logarithmic: false,
            lines: Vec::new(),
            marks: Vec::new(),
        }
    }

    /// With powers of ten on the upright axis. Points at or below zero lie at its foot.
    ///
    /// ```
    /// let plot = upgradable_report::Plot::new("l", "Latency", "s", "us").logarithmic();
    /// ```
    #[must_use]
    pub fn logarithmic(mut self) -> Self {
        self.logarithmic = true;
        self
    }

    /// With one more line.
    ///
    /// ```
    /// use upgradable_report::{Line, Plot};
    /// let plot = Plot::new("p", "P", "s", "op/s").line(Line::new("a", vec![(0.0, 1.0)]));
    /// ```
    #[must_use]
    pub fn line(mut self, line: Line) -> Self {
        self.lines.push(line);
        self
    }

    /// With a place on the level axis marked.
    ///
    /// ```
    /// let plot = upgradable_report::Plot::new("p", "P", "s", "op/s").mark(2.0, "upgrade");
    /// assert!(plot.svg().contains("upgrade"));
    /// ```
    #[must_use]
    pub fn mark(mut self, x: f64, label: impl Into<String>) -> Self {
        self.marks.push((x, label.into()));
        self
    }

    /// The name of its file, without an ending.
    ///
    /// ```
    /// assert_eq!(upgradable_report::Plot::new("p", "P", "s", "op/s").id(), "p");
    /// ```
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The plot as a picture that stands alone.
    ///
    /// ```
    /// let svg = upgradable_report::Plot::new("p", "P < Q", "s", "op/s").svg();
    /// assert!(svg.contains("P &lt; Q"));
    /// ```
    #[must_use]
    pub fn svg(&self) -> String {
        let points = || self.lines.iter().flat_map(|line| line.points.iter().copied());
        let xs = points().map(|(x, _)| x).filter(|x| x.is_finite());
        let ys = points().map(|(_, y)| y);
        let x = Scale::tight(xs.collect::<Vec<_>>().into_iter());
        let y = if self.logarithmic {
            Scale::logarithmic(ys.collect::<Vec<_>>().into_iter())
        } else {
            Scale::linear(ys)
        };
        let mut picture = Picture { svg: String::new(), x, y };
        picture.draw(self);
        picture.svg
    }
}

/// A picture being drawn. Writing into a string does not fail.
struct Picture {
    svg: String,
    x: Scale,
    y: Scale,
}

impl Picture {
    fn across(&self, x: f64) -> f64 {
        LEFT + self.x.place(x) * (WIDTH - LEFT - RIGHT)
    }

    fn up(&self, y: f64) -> f64 {
        HEIGHT - BOTTOM - self.y.place(y) * (HEIGHT - TOP - BOTTOM)
    }

    fn add(&mut self, text: std::fmt::Arguments<'_>) {
        let _ = self.svg.write_fmt(text);
        self.svg.push('\n');
    }

    fn text(&mut self, at: (f64, f64), anchor: &str, size: u32, fill: &str, text: &str) {
        let ((x, y), text) = (at, escape(text));
        self.add(format_args!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" font-size=\"{size}\" \
             fill=\"{fill}\">{text}</text>"
        ));
    }

    /// A word over the lines, with a white edge so that it can be read there.
    fn note(&mut self, (x, y): (f64, f64), text: &str) {
        let text = escape(text);
        self.add(format_args!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"11\" fill=\"#111111\" stroke=\"#ffffff\" \
             stroke-width=\"3\" stroke-linejoin=\"round\" paint-order=\"stroke\">{text}</text>"
        ));
    }

    fn rule(&mut self, from: (f64, f64), to: (f64, f64), style: &str) {
        let ((x1, y1), (x2, y2)) = (from, to);
        self.add(format_args!(
            "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" {style}/>"
        ));
    }

    fn draw(&mut self, plot: &Plot) {
        self.add(format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
             width=\"{WIDTH}\" height=\"{HEIGHT}\" font-family=\"sans-serif\">"
        ));
        self.add(format_args!("<rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#ffffff\"/>"));
        self.text((LEFT, 22.0), "start", 15, "#111111", &plot.title);
        self.axes(plot);
        for (line, colour) in plot.lines.iter().zip(COLOURS.into_iter().cycle()) {
            self.line(line, colour);
        }
        for (x, label) in &plot.marks {
            let at = self.across(*x);
            let style = "stroke=\"#111111\" stroke-width=\"1.2\" stroke-dasharray=\"5 4\"";
            self.rule((at, TOP), (at, HEIGHT - BOTTOM), style);
            self.note((at + 5.0, TOP + 12.0), label);
        }
        self.legend(plot);
        self.add(format_args!("</svg>"));
    }

    fn axes(&mut self, plot: &Plot) {
        let (right, foot) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        for tick in self.y.ticks() {
            let at = self.up(tick);
            self.rule((LEFT, at), (right, at), "stroke=\"#dddddd\" stroke-width=\"1\"");
            self.text((LEFT - 8.0, at + 4.0), "end", 11, "#444444", &short(tick));
        }
        for tick in self.x.ticks() {
            let at = self.across(tick);
            self.rule((at, foot), (at, foot + 5.0), "stroke=\"#444444\" stroke-width=\"1\"");
            self.text((at, foot + 19.0), "middle", 11, "#444444", &short(tick));
        }
        self.rule((LEFT, foot), (right, foot), "stroke=\"#444444\" stroke-width=\"1\"");
        self.text((right, HEIGHT - 8.0), "end", 12, "#444444", &plot.x);
        self.text((right, 22.0), "end", 12, "#444444", &plot.y);
    }

    fn line(&mut self, line: &Line, colour: &str) {
        let mut path = String::new();
        for points in line.points.split(|(x, y)| !x.is_finite() || !y.is_finite()) {
            for (at, &(x, y)) in points.iter().enumerate() {
                let step = if at == 0 { 'M' } else { 'L' };
                let _ = write!(path, "{step}{:.1} {:.1} ", self.across(x), self.up(y));
            }
            if points.len() == 1 {
                // A point between two gaps is a dot, by its round ends.
                path.push_str("h0 ");
            }
        }
        let path = path.trim_end();
        self.add(format_args!(
            "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.8\" \
             stroke-linejoin=\"round\" stroke-linecap=\"round\"/>"
        ));
    }

    fn legend(&mut self, plot: &Plot) {
        let mut at = LEFT;
        for (line, colour) in plot.lines.iter().zip(COLOURS.into_iter().cycle()) {
            let style = format!("stroke=\"{colour}\" stroke-width=\"3\"");
            self.rule((at, 40.0), (at + 18.0, 40.0), &style);
            self.text((at + 24.0, 44.0), "start", 12, "#222222", &line.name);
            at += 44.0 + 6.6 * line.name.chars().count() as f64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(points: Vec<(f64, f64)>) -> String {
        let svg = Plot::new("p", "P", "s", "n").line(Line::new("a", points)).svg();
        let path = svg.lines().find(|line| line.starts_with("<path")).map(str::to_owned);
        path.unwrap_or_default()
    }

    #[test]
    fn a_line_goes_through_its_points() {
        let path = path(vec![(0.0, 0.0), (10.0, 100.0)]);
        assert!(path.contains("M74.0 284.0 L842.0 72.6"), "{path}");
    }

    #[test]
    fn what_is_no_number_leaves_a_gap() {
        let path = path(vec![(0.0, 1.0), (1.0, f64::NAN), (2.0, 1.0), (3.0, 1.0)]);
        assert_eq!((path.matches('M').count(), path.matches('L').count()), (2, 1), "{path}");
        assert_eq!(path.matches("h0").count(), 1, "a lone point is a dot: {path}");
    }

    #[test]
    fn nothing_to_draw_is_drawn() {
        assert!(Plot::new("p", "P", "s", "n").svg().ends_with("</svg>\n"));
    }
}
