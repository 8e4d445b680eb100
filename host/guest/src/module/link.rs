//! Joins a component with what the host gives it, and holds its functions against the contract's types.

use super::AdmissionError;
use crate::{
    bindings::{
        Windlass,
        exports::windlass::controller::reconciler::{Change, Description, Failure, Outcome, Request},
        windlass::controller::types::ObjectName,
    },
    engine::Engine,
    instance::State,
    text::plain,
};
use wasmtime::component::{
    Component, ComponentExportIndex, ComponentNamedList, HasSelf, InstancePre, Lift, Linker, Lower,
    types::ComponentItem,
};

/// What a module exports.
pub(super) const RECONCILER: &str = "windlass:controller/reconciler@0.1.0";

/// What can be run: every import is given, and every function that the host calls is found and has its type.
pub(crate) struct Linked {
    pub(crate) instance: InstancePre<State>,
    pub(crate) describe: ComponentExportIndex,
    pub(crate) reconcile: ComponentExportIndex,
    pub(crate) targets: ComponentExportIndex,
}

/// Links a component, if it fits.
pub(super) fn link(engine: &Engine, component: &Component) -> Result<Linked, AdmissionError> {
    let instance = engine
        .linker()
        .get_or_init(|| linker(engine))
        .instantiate_pre(component)
        .map_err(|error| AdmissionError::Shape { what: told(&error) })?;
    let describe = find::<(), (Description,)>(&instance, "describe")?;
    let reconcile = find::<(&Request,), (Result<Outcome, Failure>,)>(&instance, "reconcile")?;
    let targets = find::<(&[Change],), (Result<Vec<Vec<ObjectName>>, Failure>,)>(&instance, "targets")?;
    Ok(Linked { instance, describe, reconcile, targets })
}

/// The engine repeats names that stand in the module.
fn told(error: &wasmtime::Error) -> String {
    plain(&format!("{error:#}"), 2_000)
}

/// Otherwise the type would be looked at in the first run.
fn find<Parameters, Results>(
    linked: &InstancePre<State>,
    name: &str,
) -> Result<ComponentExportIndex, AdmissionError>
where
    Parameters: ComponentNamedList + Lower,
    Results: ComponentNamedList + Lift,
{
    let wrong = |what: String| AdmissionError::Shape { what: format!("its export {RECONCILER} {what}") };
    let component = linked.component();
    let (_, instance) =
        component.get_export(None, RECONCILER).ok_or_else(|| wrong("is missing".to_owned()))?;
    match component.get_export(Some(&instance), name) {
        None => Err(wrong(format!("has no function `{name}`"))),
        Some((ComponentItem::ComponentFunc(function), index)) => function
            .typecheck::<Parameters, Results>(&linked.instance_type())
            .map(|()| index)
            .map_err(|error| wrong(format!("has a function `{name}` of another type: {}", told(&error)))),
        Some(_) => Err(wrong(format!("has a `{name}` that is no function"))),
    }
}

fn linker(engine: &Engine) -> Linker<State> {
    let mut linker = Linker::new(engine.wasmtime());
    Windlass::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state)
        .expect("each interface of the contract is added once to an empty linker");
    linker
}

#[cfg(test)]
mod tests;
