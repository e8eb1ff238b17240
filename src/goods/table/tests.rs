use super::*;

const HEADING: &str = "编号,名称,单价\r\n";

fn cells(table: &Table) -> Vec<(usize, String, String)> {
    let cell = |line, column| table.cell(line, column).unwrap_or("-").to_owned();
    table.lines.iter().map(|line| (line.number, cell(line, Column::Name), cell(line, Column::Price))).collect()
}

fn row(number: usize, name: &str, price: &str) -> (usize, String, String) {
    (number, name.to_owned(), price.to_owned())
}

#[test]
fn files_of_every_program_are_read() {
    let text = format!("{HEADING}1,可口可乐,3.50\r\n\r\n2,\"苹果, 红\",5.90\r\n");
    let expected = [row(2, "可口可乐", "3.50"), row(4, "苹果, 红", "5.90")];
    let (gb18030, ..) = encoding_rs::GB18030.encode(&text);
    let utf16: Vec<u8> = std::iter::once(0xFEFF).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let tabs = text.replace("苹果, 红", "苹果").replace(',', "\t");
    let files: [(&str, Vec<u8>); 4] = [
        ("UTF-8", text.clone().into_bytes()),
        ("UTF-8 with a mark", [b"\xEF\xBB\xBF", text.as_bytes()].concat()),
        ("GB18030", gb18030.into_owned()),
        ("UTF-16", utf16),
    ];
    for (what, file) in files {
        assert_eq!(cells(&Table::read(&file).unwrap()), expected, "{what}");
    }
    assert_eq!(cells(&Table::read(tabs.as_bytes()).unwrap())[1], row(4, "苹果", "5.90"));
    let semicolons = "number;name;price\n1;Cola;3\n";
    assert_eq!(cells(&Table::read(semicolons.as_bytes()).unwrap()), [row(2, "Cola", "3")]);
}

#[test]
fn columns_may_stand_anywhere_and_unknown_ones_are_named() {
    let table = Table::read("库存,Price,\"\",Name,PLU\n5,3,,Cola,1\n".as_bytes()).unwrap();
    assert_eq!(table.ignored, ["库存"]);
    assert_eq!(cells(&table), [row(2, "Cola", "3")]);
    assert!(!table.has(Column::Unit) && table.has(Column::Number));
    assert_eq!(table.cell(&table.lines[0], Column::Unit), None);
}

#[test]
fn what_is_no_table_is_refused_and_says_why() {
    let said = |file: &[u8]| Table::read(file).unwrap_err().to_string();
    assert!(said(b"").starts_with("the file is empty"));
    assert!(said(b"\r\n \r\n,,\r\n").starts_with("the file is empty"));
    assert!(said(b"a,b\n1,2\n").starts_with("line 1 does not say what the columns are; one must be number (编号)"));
    assert_eq!(said(b"number,name,PLU\n"), "two columns are named number (编号); take one of them out");
    assert!(said(OLD_EXCEL).starts_with("this is a file of Excel 97"));
    assert!(said(b"PK\x03\x04 and nothing").starts_with("the Excel file cannot be read"));
    assert_eq!(
        said(b"number,name\n1,a\n2,\xFF\xFF\n"),
        "the file is neither UTF-8 nor GB18030 (line 3); save it as CSV UTF-8"
    );
    let many = format!("number\n{}", "1\n".repeat(MOST_LINES + 1));
    assert!(said(many.as_bytes()).starts_with("the file has more than 200000 lines"));
    assert!(said(&vec![b'a'; MOST_BYTES + 1]).starts_with("the file has more than 64 MiB"));
}

#[test]
fn a_barcode_is_written_so_that_a_spreadsheet_leaves_it_alone() {
    let table = Table::read("number,barcode,name,price\n1,6901028075763,Cola,3\n".as_bytes()).unwrap();
    let goods = crate::goods::import::changes(&table, &[], crate::money::Currency::CNY).unwrap().goods;
    let file = String::from_utf8(write(goods.iter(), Language::English).unwrap()).unwrap();
    assert_eq!(
        file,
        "\u{FEFF}number,barcodes,name,price,unit,tax rate,category,favourite\r\n\
         1,\t6901028075763,Cola,3.00,piece,0%,,no\r\n"
    );
}

#[test]
fn what_begins_as_a_formula_is_written_as_text_and_read_as_it_was() {
    let table = Table::read("number,name,price,category\n1,=1+1,3,+86\n2,'-5,3,-\n3,@x,3,\n".as_bytes()).unwrap();
    let goods = crate::goods::import::changes(&table, &[], crate::money::Currency::CNY).unwrap().goods;
    let names: Vec<_> = goods.iter().map(|good| good.name.as_str()).collect();
    assert_eq!(names, ["=1+1", "-5", "@x"], "the mark in front says that text follows");
    let file = String::from_utf8(write(goods.iter(), Language::English).unwrap()).unwrap();
    assert!(file.contains("1,,'=1+1,3.00,piece,0%,'+86,no\r\n2,,'-5,3.00,piece,0%,'-,no\r\n3,,'@x,"), "{file}");
    let again = Table::read(file.as_bytes()).unwrap();
    assert_eq!(crate::goods::import::changes(&again, &[], crate::money::Currency::CNY).unwrap().goods, goods);
}

#[test]
fn a_workbook_has_barcodes_as_text_and_is_read_as_it_was() {
    let text = "number,barcode,name,price,unit,tax rate,category,favourite\n\
                1,6901028075763 0012345678905,=1+1,3.50,piece,13%,+86,yes\n2,,苹果,5.9,500g,9%,,\n";
    let goods = |file: &[u8]| {
        let table = Table::read(file).unwrap();
        crate::goods::import::changes(&table, &[], crate::money::Currency::CNY).unwrap().goods
    };
    let written = goods(text.as_bytes());
    for language in [Language::Chinese, Language::English] {
        let book = write_book(written.iter(), language).unwrap();
        assert!(book.starts_with(ZIP));
        let table = Table::read(&book).unwrap();
        assert_eq!(table.cell(&table.lines[0], Column::Barcodes), Some("0012345678905 6901028075763"));
        assert_eq!(table.cell(&table.lines[0], Column::Name), Some("=1+1"));
        assert_eq!(goods(&book), written);
    }
}

#[test]
fn a_workbook_that_is_huge_once_it_is_unpacked_is_refused() {
    use std::io::Write;
    // A mebibyte of blanks packs to a kilobyte.
    let blanks = vec![b' '; 1 << 20];
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    for part in ["xl/workbook.xml", "xl/sharedStrings.xml"] {
        zip.start_file(part, options).unwrap();
        for _ in 0..(MOST_UNPACKED >> 21) + 1 {
            zip.write_all(&blanks).unwrap();
        }
    }
    let bomb = zip.finish().unwrap().into_inner();
    assert!(bomb.len() < 1 << 20, "{} bytes", bomb.len());
    assert!(matches!(Table::read(&bomb), Err(TableError::Unpacked)));
    // It lies about its size: nobody believes it.
    let mut lies = bomb.clone();
    let claimed = (((MOST_UNPACKED >> 21) + 1) << 20) as u32;
    for place in 0..lies.len() - 4 {
        if lies[place..place + 4] == claimed.to_le_bytes() {
            lies[place..place + 4].copy_from_slice(&9_u32.to_le_bytes());
        }
    }
    assert_ne!(lies, bomb);
    let said = Table::read(&lies);
    assert!(matches!(said, Err(TableError::Unpacked | TableError::Sheet(_))), "{said:?}");
}

/// An Excel file with one sheet, as small as there is one.
fn book(sheet: &str, strings: &str) -> Vec<u8> {
    const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    const RELATIONS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    zip(&[
        (
            "[Content_Types].xml",
            "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"/>".to_owned(),
        ),
        (
            "_rels/.rels",
            format!(
                "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">\
                 <Relationship Id=\"rId1\" Type=\"{RELATIONS}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
            ),
        ),
        (
            "xl/workbook.xml",
            format!(
                "<workbook xmlns=\"{MAIN}\" xmlns:r=\"{RELATIONS}\"><sheets>\
                 <sheet name=\"商品\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>"
            ),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            format!(
                "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">\
                 <Relationship Id=\"rId1\" Type=\"{RELATIONS}/worksheet\" Target=\"worksheets/sheet1.xml\"/>\
                 <Relationship Id=\"rId2\" Type=\"{RELATIONS}/sharedStrings\" Target=\"sharedStrings.xml\"/>\
                 </Relationships>"
            ),
        ),
        ("xl/sharedStrings.xml", format!("<sst xmlns=\"{MAIN}\">{strings}</sst>")),
        ("xl/worksheets/sheet1.xml", format!("<worksheet xmlns=\"{MAIN}\"><sheetData>{sheet}</sheetData></worksheet>")),
    ])
}

/// A ZIP archive of files that are stored as they are.
fn zip(files: &[(&str, String)]) -> Vec<u8> {
    let (mut zip, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in files {
        let mut sum = flate2::Crc::new();
        sum.update(content.as_bytes());
        let mut head = Vec::new();
        for number in [20_u16, 0, 0, 0, 0] {
            head.extend(number.to_le_bytes());
        }
        for number in [sum.sum(), content.len() as u32, content.len() as u32] {
            head.extend(number.to_le_bytes());
        }
        head.extend((name.len() as u16).to_le_bytes());
        head.extend(0_u16.to_le_bytes());
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&head);
        // No comment, first disk, no attributes.
        directory.extend([0; 10]);
        directory.extend((zip.len() as u32).to_le_bytes());
        directory.extend(name.as_bytes());
        zip.extend(b"PK\x03\x04");
        zip.extend(&head);
        zip.extend(name.as_bytes());
        zip.extend(content.as_bytes());
    }
    let (at, length, count) = (zip.len() as u32, directory.len() as u32, files.len() as u16);
    zip.extend(directory);
    zip.extend(b"PK\x05\x06\x00\x00\x00\x00");
    zip.extend(count.to_le_bytes());
    zip.extend(count.to_le_bytes());
    zip.extend(length.to_le_bytes());
    zip.extend(at.to_le_bytes());
    zip.extend([0, 0]);
    zip
}

#[test]
fn the_first_sheet_of_an_excel_file_is_read() {
    let file = book(
        "<row r=\"1\"><c r=\"A1\" t=\"s\"><v>0</v></c><c r=\"B1\" t=\"s\"><v>1</v></c><c r=\"C1\" t=\"s\"><v>2</v></c>\
         <c r=\"D1\" t=\"inlineStr\"><is><t>税率</t></is></c></row>\
         <row r=\"3\"><c r=\"A3\"><v>6901028075763</v></c><c r=\"B3\" t=\"s\"><v>3</v></c>\
         <c r=\"C3\"><v>12.340000000000002</v></c><c r=\"D3\"><v>0.13</v></c></row>\
         <row r=\"1048576\"><c r=\"XFD1048576\"><v>1</v></c></row>",
        "<si><t>条码</t></si><si><t>名称</t></si><si><t>单价</t></si><si><t>可口可乐</t></si>",
    );
    let table = Table::read(&file).unwrap();
    assert_eq!(cells(&table), [row(3, "可口可乐", "12.34")]);
    let line = &table.lines[0];
    assert_eq!(table.cell(line, Column::Barcodes), Some("6901028075763"));
    assert_eq!(table.cell(line, Column::TaxRate), Some("0.13"));
}
