//! A bar for each time, one panel a workload, on a logarithmic axis.

use std::error::Error;
use std::path::Path;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::measure::Metric;
use crate::report;
use crate::results::Results;
use crate::workload::Workload;

const WORKLOADS: [(Workload, &str); 5] = [
    (Workload::Read1, "1 read, ns"),
    (Workload::Read1000, "1,000 reads, ns"),
    (Workload::Rmw, "read-modify-write, ns"),
    (Workload::Mixed1k, "10 reads + 2 writes, 1,000 variables, ns"),
    (Workload::Mixed1m, "10 reads + 2 writes, 1,000,000 variables, ns"),
];

const WIDTH: i32 = 760;
const HEADING: i32 = 34;
const ROW: i32 = 20;
/// Where bars begin and how long the longest may be; names stand left, numbers right of them.
const BARS: i32 = 120;
const LONGEST: i32 = 540;

const OURS: RGBColor = RGBColor(200, 60, 40);
const OTHERS: RGBColor = RGBColor(110, 140, 190);

/// The bars of one workload: back end and time.
type Panel = (&'static str, Vec<(&'static str, f64)>);

/// Draws all times measured into an SVG file.
///
/// # Errors
///
/// Fails if the file cannot be written.
pub(crate) fn draw(results: &Results, path: &Path) -> Result<(), Box<dyn Error>> {
    let panels: Vec<Panel> = WORKLOADS
        .into_iter()
        .map(|(workload, title)| {
            let bars = results.entries.iter().filter_map(|entry| {
                let time = results.median(entry.name, workload, Metric::Time)?;
                Some((entry.name, time))
            });
            (title, bars.collect::<Vec<_>>())
        })
        .filter(|(_, bars)| !bars.is_empty())
        .collect();
    let height: i32 = panels.iter().map(|(_, bars)| HEADING + ROW * bars.len() as i32).sum();
    let root = SVGBackend::new(path, (WIDTH as u32, (height + ROW) as u32)).into_drawing_area();
    root.fill(&WHITE)?;
    let mut top = 0;
    for panel in &panels {
        top = draw_panel(&root, panel, top)?;
    }
    let axis = ("sans-serif", 13).into_font().color(&BLACK);
    root.draw(&Text::new("Lengths are logarithmic.", (BARS, height), axis))?;
    root.present()?;
    Ok(())
}

/// Draws one panel below `top` and returns where it ends.
fn draw_panel(
    root: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
    (title, bars): &Panel,
    top: i32,
) -> Result<i32, Box<dyn Error>> {
    let small = ("sans-serif", 13).into_font().color(&BLACK);
    let right = small.pos(Pos::new(HPos::Right, VPos::Center));
    let left = small.pos(Pos::new(HPos::Left, VPos::Center));
    let heading = ("sans-serif", 15).into_font().color(&BLACK);
    root.draw(&Text::new(*title, (8, top + 12), heading))?;
    let shortest = bars.iter().map(|bar| bar.1).fold(f64::INFINITY, f64::min);
    let longest = bars.iter().map(|bar| bar.1).fold(0.0, f64::max);
    // Half the shortest time has no length, so that it, too, has a bar.
    let decades = (longest / shortest * 2.0).ln();
    let mut y = top + HEADING;
    for &(name, time) in bars {
        let length = (time / shortest * 2.0).ln() / decades * f64::from(LONGEST);
        let end = BARS + length as i32;
        let colour = if name == "upgradable-stm" { OURS } else { OTHERS };
        root.draw(&Rectangle::new([(BARS, y), (end, y + ROW - 5)], colour.filled()))?;
        let middle = y + (ROW - 5) / 2;
        root.draw(&Text::new(name, (BARS - 6, middle), right.clone()))?;
        root.draw(&Text::new(report::number(time), (end + 6, middle), left.clone()))?;
        y += ROW;
    }
    Ok(y)
}
