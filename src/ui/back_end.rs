//! Which display the touchscreen uses: a window where a window system runs, else the bare screen (linuxkms). Always
//! drawn by the processor, so that no graphics driver is needed.

use slint::BackendSelector;

use super::UiError;

/// True where a touchscreen can be opened without taking a screen away from somebody: a window system runs, or the
/// person chose a back end (`SLINT_BACKEND`).
pub fn display_available() -> bool {
    window_system(&variable) || chosen(&variable)
}

/// Chooses the back end; what `SLINT_BACKEND` says goes first.
pub(super) fn select() -> Result<(), UiError> {
    let Some(name) = choice(&variable) else { return Ok(()) };
    BackendSelector::new()
        .backend_name(name.to_owned())
        .renderer_name("software".to_owned())
        .select()
        .map_err(UiError::NoScreen)
}

/// The back end to ask for; none when the person has chosen one.
fn choice(variable: &dyn Fn(&str) -> bool) -> Option<&'static str> {
    if chosen(variable) {
        None
    } else if window_system(variable) {
        Some("winit")
    } else {
        Some("linuxkms")
    }
}

fn window_system(variable: &dyn Fn(&str) -> bool) -> bool {
    variable("WAYLAND_DISPLAY") || variable("DISPLAY")
}

fn chosen(variable: &dyn Fn(&str) -> bool) -> bool {
    variable("SLINT_BACKEND")
}

fn variable(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_where_there_is_a_window_system_else_the_bare_screen() {
        for (set, expected) in [
            (&["DISPLAY"][..], Some("winit")),
            (&["WAYLAND_DISPLAY"], Some("winit")),
            (&[], Some("linuxkms")),
            (&["DISPLAY", "SLINT_BACKEND"], None),
        ] {
            assert_eq!(choice(&|name| set.contains(&name)), expected, "{set:?}");
        }
    }
}
