;; Looks through JSON text that lies in this memory, 16 bytes at a time. What it promises is said in object-scan.ts; `node tools/web-assembly.ts
;; --update` makes the code of it that is loaded.
;;
;; Memory, in bytes:
;;   0       for each depth up to 500: 1 an object, 0 an array
;;   504     the field that is open at depth 1, then at depth 2: where its numbers lie
;;   1024    64 fields of five numbers: depth, where its name starts and ends, where its value starts and ends
;;   4096    the text, behind which 16 bytes have to be free
(module
  (memory (export "memory") 5)

  ;; How many fields of depth 1 and 2 the object from $at to $end has; -1 for whatever else stands there.
  (func (export "scanObject") (param $at i32) (param $end i32) (result i32)
    (local $depth i32) (local $code i32) (local $field i32) (local $nameStart i32)
    (local.set $field (i32.const 1024))
    (local.set $at (call $skipSpace (local.get $at) (local.get $end)))
    (if (i32.ne (call $byteAt (local.get $at) (local.get $end)) (i32.const 0x7b)) (then (return (i32.const -1))))
    (loop $value
      (local.set $code (call $byteAt (local.get $at) (local.get $end)))
      (block $following
        (block $closing
          (if (i32.eq (local.get $code) (i32.const 0x22)) (then
            (local.set $at (call $stringEnd (i32.add (local.get $at) (i32.const 1)) (local.get $end)))
            (br_if $closing (i32.ge_s (local.get $at) (i32.const 0)))
            (return (i32.const -1))))
          ;; { and [ differ from } and ] by two.
          (if (i32.ne (i32.or (local.get $code) (i32.const 0x20)) (i32.const 0x7b)) (then
            (local.set $at (call $literalEnd (local.get $at) (local.get $end)))
            (br_if $closing (i32.ge_s (local.get $at) (i32.const 0)))
            (return (i32.const -1))))
          (if (i32.eq (local.get $depth) (i32.const 500)) (then (return (i32.const -1))))
          (local.set $depth (i32.add (local.get $depth) (i32.const 1)))
          (i32.store8 (local.get $depth) (i32.eq (local.get $code) (i32.const 0x7b)))
          (local.set $at (call $skipSpace (i32.add (local.get $at) (i32.const 1)) (local.get $end)))
          (br_if $following
            (i32.ne (call $byteAt (local.get $at) (local.get $end)) (i32.add (local.get $code) (i32.const 2))))
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (local.set $depth (i32.sub (local.get $depth) (i32.const 1))))
        ;; Behind a value: close what ends here, until another one has to follow.
        (loop $close
          (if (i32.eqz (local.get $depth)) (then
            (return (select
              (i32.div_u (i32.sub (local.get $field) (i32.const 1024)) (i32.const 20))
              (i32.const -1)
              (i32.eq (call $skipSpace (local.get $at) (local.get $end)) (local.get $end))))))
          (if (i32.and (i32.le_u (local.get $depth) (i32.const 2)) (i32.load8_u (local.get $depth))) (then
            (i32.store offset=16 (i32.load offset=500 (i32.shl (local.get $depth) (i32.const 2))) (local.get $at))))
          (local.set $at (call $skipSpace (local.get $at) (local.get $end)))
          (local.set $code (call $byteAt (local.get $at) (local.get $end)))
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (if (i32.ne (local.get $code) (i32.const 0x2c)) (then
            (if (i32.ne (local.get $code) (select (i32.const 0x7d) (i32.const 0x5d) (i32.load8_u (local.get $depth)))) (then
              (return (i32.const -1))))
            (local.set $depth (i32.sub (local.get $depth) (i32.const 1)))
            (br $close))))
        (local.set $at (call $skipSpace (local.get $at) (local.get $end))))
      (br_if $value (i32.eqz (i32.load8_u (local.get $depth))))
      ;; The name of a field.
      (if (i32.ne (call $byteAt (local.get $at) (local.get $end)) (i32.const 0x22)) (then (return (i32.const -1))))
      (local.set $nameStart (i32.add (local.get $at) (i32.const 1)))
      (local.set $at (call $plainEnd (local.get $nameStart) (local.get $end)))
      (if (i32.ne (call $byteAt (local.get $at) (local.get $end)) (i32.const 0x22)) (then (return (i32.const -1))))
      (local.set $code (local.get $at))
      (local.set $at (call $skipSpace (i32.add (local.get $at) (i32.const 1)) (local.get $end)))
      (if (i32.ne (call $byteAt (local.get $at) (local.get $end)) (i32.const 0x3a)) (then (return (i32.const -1))))
      (local.set $at (call $skipSpace (i32.add (local.get $at) (i32.const 1)) (local.get $end)))
      (br_if $value (i32.gt_u (local.get $depth) (i32.const 2)))
      (if (i32.eq (local.get $field) (i32.const 2304)) (then (return (i32.const -1))))
      (i32.store (local.get $field) (local.get $depth))
      (i32.store offset=4 (local.get $field) (local.get $nameStart))
      (i32.store offset=8 (local.get $field) (local.get $code))
      (i32.store offset=12 (local.get $field) (local.get $at))
      (i32.store offset=500 (i32.shl (local.get $depth) (i32.const 2)) (local.get $field))
      (local.set $field (i32.add (local.get $field) (i32.const 20)))
      (br $value))
    (unreachable))

  ;; The byte at a place; 0 at the end and beyond.
  (func $byteAt (param $at i32) (param $end i32) (result i32)
    (select (i32.load8_u (local.get $at)) (i32.const 0) (i32.lt_u (local.get $at) (local.get $end))))

  ;; The place of the first byte that is no white space.
  (func $skipSpace (param $at i32) (param $end i32) (result i32)
    (local $code i32)
    (loop $next
      (local.set $code (i32.load8_u (local.get $at)))
      (if (i32.gt_u (local.get $code) (i32.const 0x20)) (then (return (local.get $at))))
      (if (i32.ge_u (local.get $at) (local.get $end)) (then (return (local.get $end))))
      (if (i32.eqz (call $isSpace (local.get $code))) (then (return (local.get $at))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br $next))
    (unreachable))

  (func $isSpace (param $code i32) (result i32)
    (i32.or
      (i32.or (i32.eq (local.get $code) (i32.const 0x20)) (i32.eq (local.get $code) (i32.const 0x0a)))
      (i32.or (i32.eq (local.get $code) (i32.const 0x0d)) (i32.eq (local.get $code) (i32.const 0x09)))))

  ;; The place of the first byte that doesn't stand for itself in a string: a quote, a backslash, a control character. Beyond $end where there is none.
  (func $plainEnd (param $at i32) (param $end i32) (result i32)
    (local $bytes v128) (local $found i32)
    (loop $next
      (if (i32.ge_u (local.get $at) (local.get $end)) (then (return (local.get $at))))
      (local.set $bytes (v128.load (local.get $at)))
      (local.set $found (i8x16.bitmask
        (v128.or
          (v128.or
            (i8x16.eq (local.get $bytes) (i8x16.splat (i32.const 0x22)))
            (i8x16.eq (local.get $bytes) (i8x16.splat (i32.const 0x5c))))
          (i8x16.lt_u (local.get $bytes) (i8x16.splat (i32.const 0x20))))))
      (if (local.get $found) (then (return (i32.add (local.get $at) (i32.ctz (local.get $found))))))
      (local.set $at (i32.add (local.get $at) (i32.const 16)))
      (br $next))
    (unreachable))

  ;; The place behind the quote that ends a string, from behind the one that begins it; -1 where it doesn't end, or holds what no string may.
  (func $stringEnd (param $at i32) (param $end i32) (result i32)
    (local $code i32)
    (loop $next
      (local.set $at (call $plainEnd (local.get $at) (local.get $end)))
      (local.set $code (call $byteAt (local.get $at) (local.get $end)))
      (if (i32.eq (local.get $code) (i32.const 0x22)) (then (return (i32.add (local.get $at) (i32.const 1)))))
      (if (i32.ne (local.get $code) (i32.const 0x5c)) (then (return (i32.const -1))))
      (local.set $code (call $byteAt (i32.add (local.get $at) (i32.const 1)) (local.get $end)))
      (local.set $at (i32.add (local.get $at) (i32.const 2)))
      ;; n " \ t r / b f
      (br_if $next (i32.eq (local.get $code) (i32.const 0x6e)))
      (br_if $next (i32.eq (local.get $code) (i32.const 0x22)))
      (br_if $next (i32.eq (local.get $code) (i32.const 0x5c)))
      (br_if $next (i32.eq (local.get $code) (i32.const 0x74)))
      (br_if $next (i32.eq (local.get $code) (i32.const 0x72)))
      (br_if $next (i32.eq (local.get $code) (i32.const 0x2f)))
      (br_if $next (i32.eq (local.get $code) (i32.const 0x62)))
      (br_if $next (i32.eq (local.get $code) (i32.const 0x66)))
      (if (i32.ne (local.get $code) (i32.const 0x75)) (then (return (i32.const -1))))
      (local.set $code (i32.add (local.get $at) (i32.const 4)))
      (loop $digit
        (if (i32.eqz (call $isHexDigit (call $byteAt (local.get $at) (local.get $end)))) (then (return (i32.const -1))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br_if $digit (i32.lt_u (local.get $at) (local.get $code))))
      (br $next))
    (unreachable))

  ;; The place behind true, false, null or a number; -1 where none stands.
  (func $literalEnd (param $at i32) (param $end i32) (result i32)
    (local $code i32)
    (local.set $code (call $byteAt (local.get $at) (local.get $end)))
    (if (i32.or (i32.eq (local.get $code) (i32.const 0x2d)) (call $isDigit (local.get $code))) (then
      (return (call $numberEnd (local.get $at) (local.get $end)))))
    ;; Four bytes at once, the lowest first: "true", "null", "fals".
    (if (i32.gt_u (i32.add (local.get $at) (i32.const 4)) (local.get $end)) (then (return (i32.const -1))))
    (local.set $code (i32.load (local.get $at)))
    (local.set $at (i32.add (local.get $at) (i32.const 4)))
    (if (i32.or (i32.eq (local.get $code) (i32.const 0x65757274)) (i32.eq (local.get $code) (i32.const 0x6c6c756e))) (then
      (return (local.get $at))))
    (if (i32.ne (local.get $code) (i32.const 0x736c6166)) (then (return (i32.const -1))))
    (if (i32.ne (call $byteAt (local.get $at) (local.get $end)) (i32.const 0x65)) (then (return (i32.const -1))))
    (i32.add (local.get $at) (i32.const 1)))

  (func $numberEnd (param $at i32) (param $end i32) (result i32)
    (local $code i32)
    (if (i32.eq (call $byteAt (local.get $at) (local.get $end)) (i32.const 0x2d)) (then
      (local.set $at (i32.add (local.get $at) (i32.const 1)))))
    (local.set $code (call $byteAt (local.get $at) (local.get $end)))
    (if (i32.eqz (call $isDigit (local.get $code))) (then (return (i32.const -1))))
    (local.set $at (i32.add (local.get $at) (i32.const 1)))
    (if (i32.ne (local.get $code) (i32.const 0x30)) (then
      (local.set $at (call $digitsEnd (local.get $at) (local.get $end)))))
    (if (i32.eq (call $byteAt (local.get $at) (local.get $end)) (i32.const 0x2e)) (then
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (if (i32.eqz (call $isDigit (call $byteAt (local.get $at) (local.get $end)))) (then (return (i32.const -1))))
      (local.set $at (call $digitsEnd (local.get $at) (local.get $end)))))
    ;; e, E
    (if (i32.eq (i32.or (call $byteAt (local.get $at) (local.get $end)) (i32.const 0x20)) (i32.const 0x65)) (then
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (local.set $code (call $byteAt (local.get $at) (local.get $end)))
      (if (i32.or (i32.eq (local.get $code) (i32.const 0x2b)) (i32.eq (local.get $code) (i32.const 0x2d))) (then
        (local.set $at (i32.add (local.get $at) (i32.const 1)))))
      (if (i32.eqz (call $isDigit (call $byteAt (local.get $at) (local.get $end)))) (then (return (i32.const -1))))
      (local.set $at (call $digitsEnd (local.get $at) (local.get $end)))))
    (local.get $at))

  (func $digitsEnd (param $at i32) (param $end i32) (result i32)
    (loop $next
      (if (i32.eqz (call $isDigit (call $byteAt (local.get $at) (local.get $end)))) (then (return (local.get $at))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br $next))
    (unreachable))

  (func $isDigit (param $code i32) (result i32)
    (i32.lt_u (i32.sub (local.get $code) (i32.const 0x30)) (i32.const 10)))

  (func $isHexDigit (param $code i32) (result i32)
    (i32.or
      (call $isDigit (local.get $code))
      (i32.lt_u (i32.sub (i32.or (local.get $code) (i32.const 0x20)) (i32.const 0x61)) (i32.const 6)))))
