//! Compiles the touchscreen (`ui/`) into Rust, with its fonts and translations inside.

fn main() {
    // Faults on purpose, for `./dev bites` alone.
    println!("cargo:rerun-if-env-changed=YIMA_FAULTS");
    if std::env::var_os("YIMA_FAULTS").is_some() {
        println!("cargo:rustc-cfg=yima_faults");
    }
    #[cfg(feature = "screen")]
    screen();
}

#[cfg(feature = "screen")]
fn screen() {
    use slint_build::{CompilerConfiguration, EmbedResourcesKind};

    // Translations are read by the compiler; Cargo does not know of them otherwise.
    println!("cargo:rerun-if-changed=ui/lang");
    // The compiler reads it while it runs here: `./dev test` makes its warnings errors.
    println!("cargo:rerun-if-env-changed=SLINT_COMPILER_DENY_WARNINGS");
    // Tests look things up by name; a released program does without the names.
    let names = std::env::var("PROFILE").is_ok_and(|profile| profile == "debug");
    let configuration = CompilerConfiguration::new()
        .with_debug_info(names)
        .with_style("fluent".into())
        .with_bundled_translations("ui/lang")
        // A translation belongs to the words, wherever they stand.
        .with_default_translation_context(slint_build::DefaultTranslationContext::None)
        .embed_resources(EmbedResourcesKind::EmbedFiles);
    if let Err(error) = slint_build::compile_with_config("ui/app.slint", configuration) {
        for line in error.to_string().lines() {
            println!("cargo::error={line}");
        }
        std::process::exit(1);
    }
}
