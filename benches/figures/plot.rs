//! Memory over the number of modules, as a picture and as the numbers behind it.

use crate::memory::Point;
use anyhow::Result;
use std::{fmt::Write as _, fs, path::Path};
use windlass_benches::process::Memory;

const LEFT: f64 = 64.0;
const RIGHT: f64 = 600.0;
const TOP: f64 = 48.0;
const BOTTOM: f64 = 340.0;

/// Decades: 10 to 10,000 modules, 1 MiB to 10 GiB.
const MODULES: (f64, f64) = (1.0, 4.0);
const MEBIBYTES: (f64, f64) = (0.0, 4.0);

type Part = fn(&Memory) -> f64;
/// Each line: what, and its colour.
const LINES: [(&str, &str, Part); 2] = [
    ("resident (RSS)", "#1f6feb", |memory| memory.rss),
    ("proportional (PSS)", "#bf3989", |memory| memory.pss),
];

/// Writes `memory.svg` and `memory.csv` into a folder.
pub(crate) fn write(folder: &Path, points: &[Point]) -> Result<()> {
    let mut numbers = "modules,rss_mib,pss_mib,anonymous_mib\n".to_owned();
    for Point { modules, memory: Memory { rss, pss, anonymous } } in points {
        writeln!(numbers, "{modules},{rss:.1},{pss:.1},{anonymous:.1}")?;
    }
    fs::write(folder.join("memory.csv"), numbers)?;
    Ok(fs::write(folder.join("memory.svg"), picture(points)?)?)
}

fn x(modules: f64) -> f64 {
    LEFT + (modules.log10() - MODULES.0) / (MODULES.1 - MODULES.0) * (RIGHT - LEFT)
}

fn y(mebibytes: f64) -> f64 {
    BOTTOM - (mebibytes.log10() - MEBIBYTES.0) / (MEBIBYTES.1 - MEBIBYTES.0) * (BOTTOM - TOP)
}

fn picture(points: &[Point]) -> Result<String> {
    let mut svg = String::from(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 640 400\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"640\" height=\"400\" fill=\"#ffffff\"/>\n\
         <text x=\"64\" y=\"20\" font-size=\"14\">Memory of a host whose modules have worked and idle, MiB</text>\n",
    );
    grid(&mut svg)?;
    for (nth, (what, colour, part)) in LINES.into_iter().enumerate() {
        let at = |point: &Point| (x(point.modules as f64), y(part(&point.memory)));
        let line: Vec<_> = points.iter().map(at).map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        writeln!(
            svg,
            "<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\" points=\"{}\"/>",
            line.join(" ")
        )?;
        // The numbers of one line above it, those of the other below.
        let beside = if nth == 0 { -8.0 } else { 18.0 };
        for point in points {
            let ((x, y), value) = (at(point), part(&point.memory));
            writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>")?;
            writeln!(svg, "<text x=\"{x:.1}\" y=\"{:.1}\" fill=\"{colour}\">{value:.1}</text>", y + beside)?;
        }
        let x = LEFT + 180.0 * nth as f64;
        writeln!(svg, "<text x=\"{x}\" y=\"38\" fill=\"{colour}\">{what}</text>")?;
    }
    svg.push_str("</svg>\n");
    Ok(svg)
}

fn grid(svg: &mut String) -> Result<()> {
    let decades = |(from, to): (f64, f64)| (from as i32..=to as i32).map(|decade| 10_f64.powi(decade));
    for value in decades(MODULES) {
        let x = x(value);
        writeln!(svg, "<path d=\"M{x:.1} {TOP} V{BOTTOM}\" stroke=\"#d0d7de\"/>")?;
        writeln!(svg, "<text x=\"{x:.1}\" y=\"358\" text-anchor=\"middle\">{value}</text>")?;
    }
    for value in decades(MEBIBYTES) {
        let y = y(value);
        writeln!(svg, "<path d=\"M{LEFT} {y:.1} H{RIGHT}\" stroke=\"#d0d7de\"/>")?;
        writeln!(svg, "<text x=\"58\" y=\"{:.1}\" text-anchor=\"end\">{value}</text>", y + 4.0)?;
    }
    writeln!(svg, "<text x=\"332\" y=\"384\" text-anchor=\"middle\">different modules</text>")?;
    Ok(())
}
