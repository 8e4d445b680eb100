//! Core modules beside the main one of a component, put behind everything that is there already.

use wasm_encoder::{
    CanonicalFunctionSection, ComponentSection, ComponentSectionId, ComponentTypeSection, ExportKind,
    InstanceSection, ModuleArg, RawSection, ValType,
};
use wasmparser::{Instance, Parser, Payload, Validator, WasmFeatures};

/// Puts functions for handles into the main module's table: two types of resources, so that a handle of one can be
/// passed off as one of the other.
const RESOURCES: &str = r#"(module
    (import "main" "table" (table 8 funcref))
    (import "resource" "new" (func $new (param i32) (result i32)))
    (import "resource" "rep" (func $rep (param i32) (result i32)))
    (import "resource" "drop" (func $drop (param i32)))
    (import "resource" "new-other" (func $new_other (param i32) (result i32)))
    (import "resource" "rep-other" (func $rep_other (param i32) (result i32)))
    (import "resource" "drop-other" (func $drop_other (param i32)))
    (elem (i32.const 0) func $new $rep $drop $new_other $rep_other $drop_other))"#;
/// A memory more.
const MEMORY: &str = "(module (memory 1))";

/// How many of each there are in a component; the next one has this number.
struct Counts {
    types: u32,
    modules: u32,
    core_instances: u32,
    core_functions: u32,
    /// The instance of the first core module, which is the main one.
    main: u32,
}

/// A component with one core module more. `what` is `resources` or `memory`.
///
/// # Panics
/// When it is no valid component, or `what` is none of these.
pub(super) fn beside(component: &[u8], what: &str) -> Vec<u8> {
    let mut bytes = component.to_vec();
    let counts = Counts::of(component);
    match what {
        "resources" => with_resources(&mut bytes, &counts),
        "memory" => {
            instance_of(&mut bytes, MEMORY, counts.modules, &[]);
        }
        other => panic!("nothing of the name `{other}` can stand beside a module"),
    }
    bytes
}

fn with_resources(bytes: &mut Vec<u8>, counts: &Counts) {
    let (one, other) = (counts.types, counts.types + 1);
    ComponentTypeSection::new()
        .resource(ValType::I32, None)
        .resource(ValType::I32, None)
        .append_to_component(bytes);
    let mut functions = CanonicalFunctionSection::new();
    for of in [one, other] {
        functions.resource_new(of).resource_rep(of).resource_drop(of);
    }
    functions.append_to_component(bytes);
    let names = ["new", "rep", "drop", "new-other", "rep-other", "drop-other"];
    let exports = names.iter().zip(counts.core_functions..).map(|(name, at)| (*name, ExportKind::Func, at));
    let exports: Vec<_> = exports.collect();
    InstanceSection::new().export_items(exports).append_to_component(bytes);
    let given = [("main", counts.main), ("resource", counts.core_instances)];
    instance_of(bytes, RESOURCES, counts.modules, &given);
}

/// A core module, and an instance of it.
fn instance_of(bytes: &mut Vec<u8>, text: &str, number: u32, given: &[(&str, u32)]) {
    let core = wat::parse_str(text).unwrap();
    RawSection { id: ComponentSectionId::CoreModule.into(), data: &core }.append_to_component(bytes);
    let given: Vec<_> = given.iter().map(|(name, at)| (*name, ModuleArg::Instance(*at))).collect();
    InstanceSection::new().instantiate(number, given).append_to_component(bytes);
}

impl Counts {
    fn of(component: &[u8]) -> Self {
        let (mut instances, mut main, mut depth) = (0, None, 0_u32);
        for payload in Parser::new(0).parse_all(component) {
            match payload.unwrap() {
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::InstanceSection(section) if depth == 0 => {
                    for instance in section {
                        if let Instance::Instantiate { module_index: 0, .. } = instance.unwrap() {
                            main = main.or(Some(instances));
                        }
                        instances += 1;
                    }
                }
                _ => {}
            }
        }
        let types = Validator::new_with_features(WasmFeatures::all()).validate_all(component).unwrap();
        let types = types.as_ref();
        Self {
            types: types.component_type_count(),
            modules: types.module_count(),
            core_instances: types.core_instance_count(),
            core_functions: types.function_count(),
            main: main.expect("the main module has an instance"),
        }
    }
}
