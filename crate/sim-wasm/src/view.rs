//! What crosses to JavaScript, as objects, with their types there. Times are virtual microseconds.

use plinth_sim::scenario::{Appearance, Away};
use plinth_sim::{Happening, Report, Run, Scenario};
use serde::Serialize;
use serde_wasm_bindgen::Serializer;
use wasm_bindgen::prelude::*;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** Something with a name, and what it is about. */
export interface Choice { name: string; text: string }

/** What a seed has decided. */
export interface Scenario {
  seed: string;
  peers: number;
  steps: number;
  pauseUs: number;
  workloads: Choice[];
  hazards: Choice[];
}

/** Something that happened: to the peer with this number, or to the world. */
export interface Happening { timeUs: number; lane: number | undefined; kind: HappeningKind; what: string }

export type HappeningKind =
  | 'commit' | 'conflict' | 'fold' | 'alone' | 'company' | 'death' | 'absence' | 'storage' | 'news' | 'clock' | 'phase' | 'other';

/** A peer in a place, of which there are as many as peers at a time. */
export interface Appearance {
  slot: number;
  lane: number;
  beginUs: number;
  openUs: number | undefined;
  endUs: number | undefined;
}

/** A time during which the page of a peer was away. */
export interface Away { lane: number; how: string; beginUs: number; endUs: number | undefined }

/** Transactions that a peer has under way. */
export interface Work { lane: number; workload: string; count: number }

/** What is to be seen of a day. */
export interface DayView {
  nowUs: number;
  phase: 'set up' | 'work' | 'calm' | 'verdict';
  transactions: number;
  expectations: number;
  isOver: boolean;
  violation: string | undefined;
  appearances: Appearance[];
  aways: Away[];
  work: Work[];
  /** Since the last look. */
  happenings: Happening[];
}

/** What is to be told of a day. */
export interface Verdict {
  seed: string;
  violation: string | undefined;
  trace: string;
  transactions: number;
  virtualUs: number;
  commits: number;
  reads: number;
  conflicts: number;
}
"#;

#[derive(Serialize)]
pub(super) struct Choice {
    name: &'static str,
    text: &'static str,
}

impl Choice {
    pub(super) fn new(name: &'static str, text: &'static str) -> Choice {
        Choice { name, text }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ScenarioView {
    seed: String,
    peers: u32,
    steps: f64,
    pause_us: f64,
    workloads: Vec<Choice>,
    hazards: Vec<Choice>,
}

impl ScenarioView {
    pub(super) fn of(scenario: &Scenario) -> ScenarioView {
        let (workloads, hazards) = (scenario.workloads.iter(), scenario.hazards.iter());
        ScenarioView {
            seed: scenario.seed.to_string(),
            peers: scenario.peers as u32,
            steps: scenario.steps as f64,
            pause_us: scenario.pause_us as f64,
            workloads: workloads
                .map(|kind| Choice::new(kind.name(), kind.text()))
                .collect(),
            hazards: hazards
                .map(|hazard| Choice::new(hazard.name(), hazard.text()))
                .collect(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HappeningView {
    time_us: f64,
    lane: Option<u32>,
    kind: &'static str,
    what: &'static str,
}

impl HappeningView {
    fn of(happening: &Happening) -> HappeningView {
        HappeningView {
            time_us: happening.time_us as f64,
            lane: happening.lane.map(|lane| lane as u32),
            kind: happening.kind.name(),
            what: happening.what,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AppearanceView {
    slot: u32,
    lane: u32,
    begin_us: f64,
    open_us: Option<f64>,
    end_us: Option<f64>,
}

impl AppearanceView {
    fn of(appearance: &Appearance) -> AppearanceView {
        AppearanceView {
            slot: appearance.slot as u32,
            lane: appearance.lane as u32,
            begin_us: appearance.begin_us as f64,
            open_us: appearance.open_us.map(|time| time as f64),
            end_us: appearance.end_us.map(|time| time as f64),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AwayView {
    lane: u32,
    how: &'static str,
    begin_us: f64,
    end_us: Option<f64>,
}

impl AwayView {
    fn of(away: &Away) -> AwayView {
        AwayView {
            lane: away.lane as u32,
            how: away.absence.name(),
            begin_us: away.begin_us as f64,
            end_us: away.end_us.map(|time| time as f64),
        }
    }
}

#[derive(Serialize)]
struct WorkView {
    lane: u32,
    workload: &'static str,
    count: f64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DayView {
    now_us: f64,
    phase: &'static str,
    transactions: f64,
    expectations: f64,
    is_over: bool,
    violation: Option<String>,
    appearances: Vec<AppearanceView>,
    aways: Vec<AwayView>,
    work: Vec<WorkView>,
    happenings: Vec<HappeningView>,
}

impl DayView {
    /// With what has happened since the first `told` things.
    pub(super) fn of(run: &Run, told: u64) -> DayView {
        let (stage, happenings) = (run.stage(), run.happenings().after(told));
        let cast = stage.cast();
        let peers = stage.open_peers();
        let work = peers.iter().flat_map(|peer| {
            let lane = peer.lane();
            cast.work(lane)
                .into_iter()
                .map(move |(workload, count)| WorkView {
                    lane: lane as u32,
                    workload,
                    count: count as f64,
                })
        });
        DayView {
            now_us: stage.world().now_us() as f64,
            phase: stage.phase().name(),
            transactions: stage.transactions() as f64,
            expectations: stage.expectations() as f64,
            is_over: run.is_over(),
            violation: run.violation(),
            appearances: cast.appearances().iter().map(AppearanceView::of).collect(),
            aways: cast.aways().iter().map(AwayView::of).collect(),
            work: work.collect(),
            happenings: happenings.iter().map(HappeningView::of).collect(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct VerdictView {
    seed: String,
    violation: Option<String>,
    trace: String,
    transactions: f64,
    virtual_us: f64,
    commits: f64,
    reads: f64,
    conflicts: f64,
}

impl VerdictView {
    pub(super) fn of(report: &Report) -> VerdictView {
        VerdictView {
            seed: report.scenario.seed.to_string(),
            violation: report.violation.clone(),
            trace: format!("{:016x}", report.trace),
            transactions: report.transactions as f64,
            virtual_us: report.virtual_us as f64,
            commits: report.checked.commits as f64,
            reads: report.checked.reads as f64,
            conflicts: report.checked.conflicts as f64,
        }
    }
}

/// As an object.
pub(super) fn to_js(view: &impl Serialize) -> JsValue {
    let serialized = view.serialize(&Serializer::new());
    serialized.expect("structs, lists, strings and numbers can be objects")
}
