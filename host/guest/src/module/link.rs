//! Joins a component with what the host gives it, and holds its functions against the contract's types.

use super::AdmissionError;
use crate::{
    bindings::{
        Windlass, WindlassPre,
        exports::windlass::controller::reconciler::{Change, Description, Failure, Outcome, Request},
        windlass::controller::types::ObjectName,
    },
    engine::Engine,
    instance::State,
    text::plain,
};
use wasmtime::component::{
    Component, ComponentNamedList, HasSelf, InstancePre, Lift, Linker, Lower, types::ComponentItem,
};

/// What a module exports.
pub(super) const RECONCILER: &str = "windlass:controller/reconciler@0.1.0";

/// What can be run, if every import is given and every function that the host calls has its type.
pub(super) fn link(engine: &Engine, component: &Component) -> Result<WindlassPre<State>, AdmissionError> {
    let linked = engine
        .linker()
        .get_or_init(|| linker(engine))
        .instantiate_pre(component)
        .map_err(|error| AdmissionError::Shape { what: told(&error) })?;
    check::<(), (Description,)>(&linked, "describe")?;
    check::<(&Request,), (Result<Outcome, Failure>,)>(&linked, "reconcile")?;
    check::<(&[Change],), (Result<Vec<Vec<ObjectName>>, Failure>,)>(&linked, "targets")?;
    WindlassPre::new(linked).map_err(|error| AdmissionError::Shape { what: told(&error) })
}

/// The engine repeats names that stand in the module.
fn told(error: &wasmtime::Error) -> String {
    plain(&format!("{error:#}"), 2_000)
}

/// Otherwise the type would be looked at in the first run.
fn check<Parameters, Results>(linked: &InstancePre<State>, name: &str) -> Result<(), AdmissionError>
where
    Parameters: ComponentNamedList + Lower,
    Results: ComponentNamedList + Lift,
{
    let wrong = |what: String| AdmissionError::Shape { what: format!("its export {RECONCILER} {what}") };
    let component = linked.component();
    let (_, instance) =
        component.get_export(None, RECONCILER).ok_or_else(|| wrong("is missing".to_owned()))?;
    let found = component.get_export(Some(&instance), name);
    match found.map(|(item, _)| item) {
        None => Err(wrong(format!("has no function `{name}`"))),
        Some(ComponentItem::ComponentFunc(function)) => function
            .typecheck::<Parameters, Results>(&linked.instance_type())
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
