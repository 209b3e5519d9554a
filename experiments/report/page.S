/* The bundled page as bytes of the program. */
    .section .rodata
    .global placer_report_page
    .global placer_report_page_end
placer_report_page:
    .incbin PLACER_REPORT_PAGE
placer_report_page_end:
    .byte 0
    .section .note.GNU-stack, "", %progbits
