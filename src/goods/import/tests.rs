use proptest::prelude::*;

use super::*;
use crate::goods::table;
use crate::wording::Language;

fn table(text: &str) -> Table {
    Table::read(text.as_bytes()).unwrap()
}

fn apply(there: &[Good], changes: &Changes) -> Vec<Good> {
    let mut goods: BTreeMap<GoodNumber, Good> = there.iter().map(|good| (good.number, good.clone())).collect();
    goods.extend(changes.goods.iter().map(|good| (good.number, good.clone())));
    goods.into_values().collect()
}

fn shop() -> Vec<Good> {
    let text = "number,barcodes,name,price,unit,tax rate,category,favourite\n\
                1,6901028075763 96385074,可口可乐,3.50,瓶,13%,饮料,是\n\
                2,,苹果,5.90,斤,9%,水果,否\n\
                7,036000291452,\"Rice, long\",12,,,,\n";
    let changes = changes(&table(text), &[], Currency::CNY).unwrap();
    assert_eq!((changes.new, changes.same, changes.goods.len()), (3, 0, 3));
    changes.goods
}

/// What is said of a table that is wrong, line by line.
fn said_of(text: &str) -> Vec<String> {
    match changes(&table(text), &shop(), Currency::CNY) {
        Ok(changes) => panic!("{text} is taken: {changes:?}"),
        Err(problems) => problems.iter().map(Problem::to_string).collect(),
    }
}

#[test]
fn a_table_makes_goods() {
    let shop = shop();
    let cola = &shop[0];
    assert_eq!(cola.name.as_str(), "可口可乐");
    assert_eq!(cola.barcodes.iter().map(Barcode::to_string).collect::<Vec<_>>(), ["96385074", "6901028075763"]);
    assert_eq!((cola.price.minor(), cola.unit, cola.tax_rate.basis_points()), (350, Unit::Piece, 1300));
    assert_eq!((cola.category.as_str(), cola.favourite), ("饮料", true));
    assert_eq!((shop[1].unit, shop[1].favourite), (Unit::Jin, false));
    assert_eq!((shop[2].unit, shop[2].tax_rate, shop[2].category.as_str()), (Unit::Piece, TaxRate::default(), ""));
}

#[test]
fn columns_that_are_left_out_stay_as_they_are() {
    let shop = shop();
    let by_number = changes(&table("编号,单价\n1,￥3.80\n2,5.90\n"), &shop, Currency::CNY).unwrap();
    assert_eq!((by_number.new, by_number.same), (0, 1));
    let mut cola = shop[0].clone();
    cola.price = Amount::new(380, Currency::CNY).unwrap();
    assert_eq!(by_number.goods, [cola.clone()]);
    let by_barcode = changes(&table("条码,单价\n6901028075763,3.80\n"), &shop, Currency::CNY).unwrap();
    assert_eq!(by_barcode.goods, [cola], "its other barcode stays as well");
    let moved = changes(&table("number,barcodes\n1,6901028075763\n2,96385074\n"), &shop, Currency::CNY).unwrap();
    assert_eq!(moved.goods[1].barcodes[0].to_string(), "96385074", "a barcode may go from one good to another");
}

#[test]
fn a_new_good_without_a_number_is_given_one_that_no_line_names() {
    let text = "number,barcode,name,price\n,4006381333931,Pen,2\n8,,Ink,3\n,10012345678902,Case,99\n";
    let new = changes(&table(text), &shop(), Currency::CNY).unwrap();
    let numbers: Vec<_> = new.goods.iter().map(|good| (good.number.number(), good.name.as_str())).collect();
    assert_eq!(numbers, [(8, "Ink"), (9, "Pen"), (10, "Case")]);
}

#[test]
fn everything_that_is_wrong_is_told_with_its_line() {
    let text = "number,barcodes,name,price,unit,tax rate,category,favourite\n\
                1,6901028075764,,3.555,parsec,200%,,perhaps\n\
                \n\
                0,6.90103E+12,ok,,kg,9%,,\n\
                3,,Cake,1,piece,0,,,extra\n";
    let said = said_of(text);
    let begins = [
        "line 2: the barcode 6901028075764 is mistyped",
        "line 2: \"\" is no name",
        "line 2: the price is wrong: CNY has 2 decimals",
        "line 2: the unit \"parsec\" is not known",
        "line 2: \"200%\" is no tax rate",
        "line 2: \"perhaps\" says neither yes nor no",
        "line 4: \"0\" is no number of a good",
        "line 4: \"6.90103E+12\" was shortened by a spreadsheet",
        "line 4: the price is missing",
        "line 5: it has more cells than the heading",
    ];
    assert_eq!(said.len(), begins.len(), "{said:#?}");
    for (said, begin) in said.iter().zip(begins) {
        assert!(said.starts_with(begin), "{said}\n{begin}");
    }
}

#[test]
fn lines_that_do_not_agree_with_each_other_or_with_the_catalogue_are_told() {
    for (text, said) in [
        ("number,name,price\n5,Tea,1\n5,Tea,2\n", "line 3: it is about the good 5, as line 2 is; take one of them out"),
        (
            "barcode,name,price\n4006381333931,Tea,1\n4006381333931,Tea,1\n",
            "line 3: the barcode 4006381333931 stands in line 2 as well; take it out of one of them",
        ),
        (
            "number,barcode,name,price\n5,6901028075763,Tea,1\n",
            "line 2: the barcode 6901028075763 is that of the good 1 as well; take it away from one of them",
        ),
        ("barcode,name,price\n,Tea,1\n", "line 2: it has neither number nor barcode; give it one of them"),
        ("number,price\n5,1\n", "line 2: it is a new good without name (名称); give it one"),
        ("number,name\n5,Tea\n", "line 2: it is a new good without price (单价); give it one"),
        (
            "barcodes,price\n96385074 036000291452,1\n",
            "line 2: its barcodes are those of the goods 1 and 7; give it the number of the good that is meant",
        ),
        ("number,barcode,name,price\n99999999,,A,1\n,4006381333931,B,1\n", ""),
    ] {
        if said.is_empty() {
            assert!(
                changes(&table(text), &shop(), Currency::CNY).is_ok(),
                "the number in the file is not counted on from"
            );
        } else {
            assert_eq!(said_of(text), [said]);
        }
    }
    let dollar = said_in_dollars();
    assert_eq!(dollar, ["line 2: the good 1 is priced in CNY; give the price in the settings' currency, USD"]);
}

fn said_in_dollars() -> Vec<String> {
    let changes = changes(&table("number,name\n1,Cola\n"), &shop(), "USD".parse().unwrap());
    changes.unwrap_err().iter().map(Problem::to_string).collect()
}

fn good() -> impl Strategy<Value = Good> {
    let text = "[ -~可口乐，；、￥『』\"]{0,18}[a-z乐]";
    (1_u32..=GoodNumber::MAX, text, 0_u64..=999_999_999_999, 0_usize..4, 0_u16..=10_000, text, any::<bool>()).prop_map(
        |(number, name, minor, unit, rate, category, favourite)| Good {
            number: GoodNumber::new(number).unwrap(),
            name: GoodName::parse(&name).unwrap(),
            barcodes: Vec::new(),
            price: Amount::new(minor, Currency::CNY).unwrap(),
            unit: Unit::ALL[unit],
            tax_rate: TaxRate::new(rate).unwrap(),
            category: Category::parse(&category).unwrap(),
            favourite,
        },
    )
}

proptest! {
    #[test]
    fn what_is_exported_and_imported_is_the_same(
        goods in prop::collection::vec(good(), 0..20),
        codes in prop::collection::vec((0_usize..20, 1_u64..9_999_999_999_999), 0..30),
        english in any::<bool>(),
    ) {
        let mut goods: Vec<Good> =
            goods.into_iter().map(|good| (good.number, good)).collect::<BTreeMap<_, _>>().into_values().collect();
        let mut given = std::collections::HashSet::new();
        for (index, digits) in codes {
            let number = digits * 10 + u64::from(crate::goods::barcode::check_digit(digits));
            let barcode = Barcode::of_number(number).unwrap();
            if let Some(good) = goods.get_mut(index) && given.insert(barcode) && good.barcodes.len() < MOST_BARCODES {
                good.barcodes.push(barcode);
                good.barcodes.sort();
            }
        }
        let language = if english { Language::English } else { Language::Chinese };
        let file = table::write(goods.iter(), language).unwrap();
        let read = Table::read(&file).unwrap();
        prop_assert_eq!(&read.ignored, &Vec::<String>::new());
        let into_nothing = changes(&read, &[], Currency::CNY).unwrap();
        prop_assert_eq!(&apply(&[], &into_nothing), &goods);
        let again = changes(&read, &goods, Currency::CNY).unwrap();
        prop_assert_eq!((again.goods.len(), again.same), (0, goods.len()));
    }
}
