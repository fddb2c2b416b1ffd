-- Each column has the name of an option. NULL leaves the option unmanaged.
SELECT
    email,
    card_number AS external_id,
    CASE WHEN blocked THEN 'absent' ELSE 'active' END AS state,
    CASE category WHEN 'teacher' THEN 'Staff' WHEN 'student' THEN 'Campus' END AS plan_name
FROM patrons
ORDER BY card_number;
