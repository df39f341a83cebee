//! The copy of the project in which something is broken.

use std::fs;
use std::io;
use std::path::Path;

use super::shown;

/// What is not copied: results of builds, and what belongs to git.
const LEFT_OUT: [&str; 2] = ["target", ".git"];

/// Makes the copy like the original again. A file that is the same is not touched: it need not be compiled again.
pub(crate) fn refresh(original: &Path, copy: &Path) -> Result<(), String> {
    mirror(original, copy).map_err(|error| format!("{} cannot be made: {error}", shown(copy)))
}

fn mirror(original: &Path, copy: &Path) -> io::Result<()> {
    fs::create_dir_all(copy)?;
    for entry in fs::read_dir(copy)? {
        let entry = entry?;
        if !original.join(entry.file_name()).exists() {
            remove(&entry.path())?;
        }
    }
    for entry in fs::read_dir(original)? {
        let entry = entry?;
        let (from, to) = (entry.path(), copy.join(entry.file_name()));
        if LEFT_OUT.iter().any(|name| entry.file_name() == *name) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            mirror(&from, &to)?;
        } else {
            let bytes = fs::read(&from)?;
            if !fs::read(&to).is_ok_and(|there| there == bytes) {
                fs::write(&to, bytes)?;
            }
        }
    }
    Ok(())
}

fn remove(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_refreshed_without_touching_what_is_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let (original, copy) = (folder.path().join("original"), folder.path().join("copy"));
        fs::create_dir_all(original.join("src")).unwrap();
        fs::create_dir_all(original.join("target")).unwrap();
        fs::write(original.join("src/lib.rs"), "lib").unwrap();
        fs::write(original.join("README"), "same").unwrap();
        refresh(&original, &copy).unwrap();
        assert!(!copy.join("target").exists());

        let age = |file: &str| fs::metadata(copy.join(file)).unwrap().modified().unwrap();
        let before = age("README");
        fs::write(copy.join("src/lib.rs"), "patched").unwrap();
        fs::write(copy.join("src/left.rs"), "left behind").unwrap();
        refresh(&original, &copy).unwrap();

        assert_eq!(fs::read_to_string(copy.join("src/lib.rs")).unwrap(), "lib");
        assert!(!copy.join("src/left.rs").exists());
        assert_eq!(age("README"), before);
    }
}
