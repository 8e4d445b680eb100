//! A module: its controllers, what it says about itself, and how the host's calls reach them.

use crate::bindings::exports::windlass::controller::reconciler::Guest;
use crate::bindings::windlass::controller::module::Failure;
use crate::host::{HostRef, Imports};
use crate::{
    Change, Context, Controller, Description, Error, Index, Kind, ObjectName, Outcome, Permission, Request,
    Result, Subject, TypedSubject, log,
};

/// A controller: what it reconciles, and how. `#[windlass::controller]` on a function makes one; a type of
/// one's own may implement it by hand.
pub trait Reconciler {
    /// Unique in the module; part of every request's identity.
    const NAME: &'static str;

    /// What it reconciles and watches.
    fn controller() -> Controller;

    /// Brings one object (as JSON; none when it is gone) to its desired state.
    ///
    /// # Errors
    /// Whatever keeps it from that.
    fn reconcile(ctx: &Context<'_>, object: Option<&str>) -> Result<Outcome>;

    /// The objects to reconcile after a change of an object that is watched as `mapped`.
    ///
    /// # Errors
    /// The change is told again later.
    fn targets(_ctx: &Context<'_>, _change: &Change) -> Result<Vec<ObjectName>> {
        Ok(Vec::new())
    }
}

/// A [`Reconciler`] as a row of the module's table.
pub struct Definition {
    name: &'static str,
    controller: fn() -> Controller,
    reconcile: fn(&Context<'_>, Option<&str>) -> Result<Outcome>,
    targets: fn(&Context<'_>, &Change) -> Result<Vec<ObjectName>>,
}

impl Definition {
    /// The row for a reconciler.
    #[must_use]
    pub const fn of<R: Reconciler>() -> Self {
        Self { name: R::NAME, controller: R::controller, reconcile: R::reconcile, targets: R::targets }
    }
}

/// What `windlass::module!` implements.
pub trait Package {
    /// The module's controllers.
    const CONTROLLERS: &'static [Definition];

    /// What else it says about itself.
    fn module() -> Module;
}

/// What a module says about itself beside its controllers. Each method is a line in `windlass::module!`.
pub struct Module(Description);

impl Module {
    /// A module with this title and version; `module!` takes them from `Cargo.toml`.
    #[must_use]
    pub fn new(title: &str, version: &str) -> Self {
        Self(Description {
            title: title.into(),
            version: version.into(),
            controllers: Vec::new(),
            indexes: Vec::new(),
            permissions: Vec::new(),
            definitions: Vec::new(),
            finalizers: Vec::new(),
            settings_schema: None,
        })
    }

    /// What people see; the package's name otherwise.
    #[must_use]
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.0.title = title.into();
        self
    }

    /// The module's version; the package's otherwise.
    #[must_use]
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.0.version = version.into();
        self
    }

    /// What the module asks to be allowed, beyond reading what it reconciles and watches.
    #[must_use]
    pub fn permissions(mut self, permissions: impl IntoIterator<Item = Permission>) -> Self {
        self.0.permissions.extend(permissions);
        self
    }

    /// Field indexes for the host to keep.
    #[must_use]
    pub fn indexes(mut self, indexes: impl IntoIterator<Item = Index>) -> Self {
        self.0.indexes.extend(indexes);
        self
    }

    /// CustomResourceDefinitions that the module brings along, as JSON.
    #[must_use]
    pub fn definitions<T: Into<String>>(mut self, definitions: impl IntoIterator<Item = T>) -> Self {
        self.0.definitions.extend(definitions.into_iter().map(Into::into));
        self
    }

    /// Finalizers that the module sets.
    #[must_use]
    pub fn finalizers<T: Into<String>>(mut self, finalizers: impl IntoIterator<Item = T>) -> Self {
        self.0.finalizers.extend(finalizers.into_iter().map(Into::into));
        self
    }

    /// JSON Schema of the settings.
    #[must_use]
    pub fn settings_schema(mut self, schema: impl Into<String>) -> Self {
        self.0.settings_schema = Some(schema.into());
        self
    }
}

/// The host's calls, for any module that `module!` made.
impl<P: Package> Guest for P {
    fn describe() -> Description {
        log::set_up();
        describe::<P>()
    }

    fn reconcile(request: Request) -> Result<Outcome, Failure> {
        log::set_up();
        reconcile::<P>(&Imports, &request).map_err(Error::into_failure)
    }

    fn targets(changes: Vec<Change>) -> Result<Vec<Vec<ObjectName>>, Failure> {
        log::set_up();
        changes.iter().map(|change| targets::<P>(&Imports, change).map_err(Error::into_failure)).collect()
    }
}

/// What a module says about itself.
#[must_use]
pub fn describe<P: Package>() -> Description {
    let Module(mut description) = P::module();
    description.controllers = P::CONTROLLERS.iter().map(|definition| (definition.controller)()).collect();
    description
}

/// One run of the controller that the request names.
///
/// # Errors
/// The controller's; terminal if the module has none of that name.
pub fn reconcile<P: Package>(host: HostRef<'_>, request: &Request) -> Result<Outcome> {
    let definition = find(P::CONTROLLERS, &request.controller)?;
    (definition.reconcile)(&Context::new(host, request), request.object.as_deref())
}

/// The objects to reconcile after a change.
///
/// # Errors
/// The controller's; terminal if the module has none of that name.
pub fn targets<P: Package>(host: HostRef<'_>, change: &Change) -> Result<Vec<ObjectName>> {
    let definition = find(P::CONTROLLERS, &change.controller)?;
    let request = Request {
        controller: change.controller.clone(),
        name: change.name.clone(),
        object: None,
        failures: 0,
        remaining_ms: 0.0,
    };
    (definition.targets)(&Context::new(host, &request), change)
}

fn find<'a>(definitions: &'a [Definition], name: &str) -> Result<&'a Definition> {
    let found = definitions.iter().find(|definition| definition.name == name);
    found.ok_or_else(|| Error::terminal(format!("this module has no controller {name:?}")))
}

/// Runs a reconcile function on the request's object. What `#[windlass::controller]` calls.
#[doc(hidden)]
pub fn run<T: Subject>(
    ctx: &Context<'_>,
    object: Option<&str>,
    reconcile: impl FnOnce(&Context<'_>, T) -> Result<Outcome>,
) -> Result<Outcome> {
    match T::of_request(object)? {
        Some(subject) => reconcile(ctx, subject),
        None => Ok(Outcome::Done),
    }
}

/// The kind that a reconcile function takes.
#[doc(hidden)]
pub fn kind_of<T: TypedSubject>(_: fn(&Context<'_>, T) -> Result<Outcome>) -> Kind {
    T::kind()
}

/// Makes the crate a module: exports the contract's functions for these controllers.
///
/// `controllers` comes first; every other line is a method of [`Module`](crate::Module):
///
/// ```
/// # #[windlass::controller(reconciles = "v1/ConfigMap")]
/// # fn greeting(_: &windlass::Context, _: windlass::Object) -> windlass::Result<windlass::Outcome> {
/// #     Ok(windlass::Outcome::done())
/// # }
/// windlass::module! {
///     controllers: [greeting],
///     title: "Greetings",
///     permissions: [windlass::Permission::new("", "configmaps", "patch")],
/// }
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! module {
    (controllers: [$($controller:ty),+ $(,)?] $(, $field:ident : $value:expr)* $(,)?) => {
        /// What the host loads; made by `windlass::module!`.
        pub struct WindlassModule;

        impl $crate::module::Package for WindlassModule {
            const CONTROLLERS: &'static [$crate::module::Definition] =
                &[$($crate::module::Definition::of::<$controller>()),+];

            fn module() -> $crate::Module {
                $crate::Module::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))$(.$field($value))*
            }
        }

        #[cfg(target_arch = "wasm32")]
        const _: () = {
            use $crate::bindings as __windlass_bindings;
            $crate::bindings::__export!(WindlassModule with_types_in __windlass_bindings);
        };
    };
}
