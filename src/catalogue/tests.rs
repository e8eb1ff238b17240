use jiff::civil::date;

use super::*;
use crate::goods::{Cart, Quantity};

const SHOP: &str = "number,barcodes,name,price,unit,tax rate,category,favourite\n\
                    1,6901028075763 96385074,可口可乐,3.50,瓶,13%,饮料,是\n\
                    2,,苹果,5.90,斤,9%,水果,否\n\
                    7,036000291452,Rice,12,,,,\n";

fn table(text: &str) -> Table {
    Table::read(text.as_bytes()).unwrap()
}

fn shop(directory: &Path) -> Catalogue {
    let mut catalogue = Catalogue::open(directory).unwrap();
    let imported = catalogue.import(&table(SHOP), Currency::CNY).unwrap();
    assert_eq!(imported, Imported { new: 3, changed: 0, same: 0 });
    catalogue
}

fn number(number: u32) -> GoodNumber {
    GoodNumber::new(number).unwrap()
}

fn found(catalogue: &mut Catalogue, text: &str) -> Vec<u32> {
    let wanted = Wanted { text: text.to_owned(), ..Wanted::default() };
    catalogue.search(&wanted, 10).unwrap().iter().map(|good| good.number.number()).collect()
}

#[test]
fn what_is_kept_is_there_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    assert!(Catalogue::open_to_look(directory.path()).unwrap().is_none());
    let goods = shop(directory.path()).goods().unwrap();
    let again = Catalogue::open(directory.path()).unwrap();
    assert_eq!(again.goods().unwrap(), goods);
    let looking = Catalogue::open_to_look(directory.path()).unwrap().unwrap();
    assert_eq!((looking.len().unwrap(), looking.is_empty().unwrap()), (3, false));
    for good in &goods {
        assert_eq!(looking.good(good.number).unwrap().as_ref(), Some(good));
        for barcode in &good.barcodes {
            assert_eq!(looking.by_barcode(*barcode).unwrap().as_ref(), Some(good));
        }
    }
    assert_eq!(looking.good(number(3)).unwrap(), None);
}

#[test]
fn a_table_that_is_wrong_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let mut catalogue = shop(directory.path());
    let before = catalogue.goods().unwrap();
    let wrong = catalogue.import(&table("number,price\n1,9.99\n2,free\n"), Currency::CNY).unwrap_err();
    assert_eq!(wrong.to_string(), "nothing was changed: 1 of the file is wrong");
    assert_eq!(catalogue.goods().unwrap(), before);
    let imported = Imported { new: 0, changed: 1, same: 1 };
    let right = table("number,price\n1,9.99\n2,5.90\n");
    assert_eq!(catalogue.try_import(&right, Currency::CNY).unwrap(), imported);
    assert_eq!(catalogue.goods().unwrap(), before, "that was a question");
    assert_eq!(catalogue.import(&right, Currency::CNY).unwrap(), imported);
    assert_eq!(catalogue.good(number(1)).unwrap().unwrap().price.minor(), 999);
}

#[test]
fn a_barcode_goes_from_one_good_to_another_in_one_table() {
    let directory = tempfile::tempdir().unwrap();
    let mut catalogue = shop(directory.path());
    let swap = "number,barcodes\n1,036000291452\n7,6901028075763\n";
    catalogue.import(&table(swap), Currency::CNY).unwrap();
    let owner = |text: &str| catalogue.by_barcode(text.parse().unwrap()).unwrap().map(|good| good.number.number());
    assert_eq!((owner("6901028075763"), owner("036000291452"), owner("96385074")), (Some(7), Some(1), None));
}

#[test]
fn a_search_knows_what_was_changed_here_or_by_another_program() {
    let directory = tempfile::tempdir().unwrap();
    let mut catalogue = shop(directory.path());
    assert_eq!(found(&mut catalogue, "kkkl"), [1]);
    assert_eq!(found(&mut catalogue, ""), [1, 2, 7]);
    catalogue.set_favourite(number(7), true).unwrap();
    catalogue.set_favourite(number(1), false).unwrap();
    assert_eq!(found(&mut catalogue, ""), [7, 1, 2]);
    catalogue.import(&table("number,name,price\n8,Tea,3\n"), Currency::CNY).unwrap();
    assert_eq!(found(&mut catalogue, "tea"), [8]);
    let mut other = Catalogue::open(directory.path()).unwrap();
    other.remove(number(8)).unwrap();
    other.import(&table("number,name\n2,Tea too\n"), Currency::CNY).unwrap();
    assert_eq!(found(&mut catalogue, "tea"), [2]);
    let categories = catalogue.categories().unwrap();
    assert_eq!(categories.iter().map(Category::as_str).collect::<Vec<_>>(), ["水果", "饮料"]);
    assert!(matches!(catalogue.remove(number(8)), Err(CatalogueError::NoGood(_))));
    assert!(matches!(catalogue.set_favourite(number(8), true), Err(CatalogueError::NoGood(_))));
}

#[test]
fn a_scanner_reads_barcodes_and_labels_of_scales() {
    let directory = tempfile::tempdir().unwrap();
    let catalogue = shop(directory.path());
    let scales = [Pattern::parse("21AAAAAWWWWWC").unwrap()];
    let scan = |digits: &str| catalogue.scan(digits, &scales).unwrap();
    assert_eq!(scan("6901028075763").unwrap().good.number, number(1));
    assert_eq!(scan("0036000291452").unwrap().good.number, number(7));
    let labelled = scan("2100002005329").unwrap();
    assert_eq!((labelled.good.number, labelled.label.unwrap().weight), (number(2), Some(Quantity::Grams(532))));
    for digits in ["4006381333931", "2100003005328", "2100002005320", "", "abc"] {
        assert_eq!(scan(digits), None, "{digits}");
    }
}

#[test]
fn carts_that_were_put_aside_outlive_a_restart_and_are_taken_up_once() {
    let directory = tempfile::tempdir().unwrap();
    let at = date(2026, 11, 28).at(12, 0, 0, 0);
    let (mut one, mut two) = (Cart::new(Currency::CNY), Cart::new(Currency::CNY));
    {
        let mut catalogue = shop(directory.path());
        let good = |own| catalogue.good(number(own)).unwrap().unwrap();
        one.add(&good(1), Quantity::Pieces(2)).unwrap();
        two.add(&good(2), Quantity::Grams(532)).unwrap();
        assert_eq!((catalogue.hold(&one, at).unwrap(), catalogue.hold(&two, at).unwrap()), (1, 2));
    }
    let mut catalogue = Catalogue::open(directory.path()).unwrap();
    // What is dearer since is not dearer for who has it in the cart.
    catalogue.import(&table("number,price\n1,9.99\n"), Currency::CNY).unwrap();
    let held = catalogue.held().unwrap();
    assert_eq!(
        held.iter().map(|held| (held.number, held.at, &held.cart)).collect::<Vec<_>>(),
        [(1, at, &one), (2, at, &two)]
    );
    let nothing = Cart::new(Currency::CNY);
    assert_eq!(catalogue.take_up(1, &nothing, at).unwrap(), one);
    assert!(matches!(catalogue.take_up(1, &nothing, at), Err(CatalogueError::NoCart(1))));
    assert_eq!(catalogue.hold(&two, at).unwrap(), 1, "the smallest that is free");
    for number in 3..=MOST_HELD as u8 {
        assert_eq!(catalogue.hold(&one, at).unwrap(), number);
    }
    assert!(matches!(catalogue.hold(&one, at), Err(CatalogueError::Held)));
}

#[test]
fn one_cart_takes_the_place_of_another_or_both_stay_where_they_are() {
    let directory = tempfile::tempdir().unwrap();
    let at = date(2026, 11, 28).at(12, 0, 0, 0);
    let mut catalogue = shop(directory.path());
    let (mut one, mut two) = (Cart::new(Currency::CNY), Cart::new(Currency::CNY));
    one.add(&catalogue.good(number(1)).unwrap().unwrap(), Quantity::Pieces(2)).unwrap();
    two.add(&catalogue.good(number(2)).unwrap().unwrap(), Quantity::Grams(532)).unwrap();
    for _ in 0..MOST_HELD {
        catalogue.hold(&one, at).unwrap();
    }
    let held = |catalogue: &Catalogue| catalogue.held().unwrap().into_iter().map(|held| held.cart).collect::<Vec<_>>();
    assert_eq!(catalogue.take_up(3, &two, at).unwrap(), one, "there is a place: one has just become free");
    assert_eq!(catalogue.held().unwrap()[2].cart, two);
    let before = held(&catalogue);
    let disk = Connection::open(directory.path().join(FILE)).unwrap();
    disk.execute_batch("CREATE TRIGGER full BEFORE INSERT ON held_carts BEGIN SELECT RAISE(ABORT, 'disk full'); END")
        .unwrap();
    assert!(catalogue.take_up(3, &one, at).is_err());
    assert_eq!(held(&catalogue), before);
}

#[test]
fn a_file_that_is_no_catalogue_of_this_program_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(FILE);
    std::fs::write(&path, "this is no database, and long enough to be looked at as one").unwrap();
    assert!(matches!(Catalogue::open(directory.path()), Err(CatalogueError::Damaged { .. })));
    assert_eq!(std::fs::read(&path).unwrap().len(), 59, "and is left as it is");
    std::fs::remove_file(&path).unwrap();
    drop(shop(directory.path()));
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    assert!(matches!(Catalogue::open(directory.path()), Err(CatalogueError::Newer { found: 99, .. })));
    assert!(matches!(Catalogue::open_to_look(directory.path()), Err(CatalogueError::Newer { found: 99, .. })));
}
