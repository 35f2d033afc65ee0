-- Made by `make docs`; for a lake of your own: retail-forecast sql --athena s3://BUCKET/lake

CREATE EXTERNAL TABLE raw_lines (text STRING)
ROW FORMAT DELIMITED FIELDS TERMINATED BY '\001'
STORED AS TEXTFILE
LOCATION 's3://BUCKET/lake/raw/';

CREATE EXTERNAL TABLE silver_lines
LOCATION 's3://BUCKET/lake/silver/lines'
TBLPROPERTIES ('table_type' = 'DELTA');

CREATE EXTERNAL TABLE gold_baskets
LOCATION 's3://BUCKET/lake/gold/baskets'
TBLPROPERTIES ('table_type' = 'DELTA');

CREATE EXTERNAL TABLE gold_customers
LOCATION 's3://BUCKET/lake/gold/customers'
TBLPROPERTIES ('table_type' = 'DELTA');

CREATE EXTERNAL TABLE quarantine_lines
LOCATION 's3://BUCKET/lake/quarantine/lines'
TBLPROPERTIES ('table_type' = 'DELTA');

CREATE OR REPLACE VIEW raw AS
SELECT
  SUBSTR(ELEMENT_AT(SPLIT("$path", '/'), -2), 1, 16) AS source,
  ELEMENT_AT(SPLIT("$path", '/'), -1) AS file,
  text
FROM raw_lines
WHERE "$path" NOT LIKE '%/manifest.json';

CREATE OR REPLACE VIEW silver AS
SELECT
  CAST(shop_week AS INTEGER) AS shop_week,
  CAST(shop_date AS DATE) AS shop_date,
  CAST(shop_weekday AS INTEGER) AS shop_weekday,
  CAST(shop_hour AS INTEGER) AS shop_hour,
  CAST(quantity AS INTEGER) AS quantity,
  CAST(spend AS DECIMAL(9, 2)) AS spend,
  CAST(prod_code AS VARCHAR) AS prod_code,
  CAST(prod_code_10 AS VARCHAR) AS prod_code_10,
  CAST(prod_code_20 AS VARCHAR) AS prod_code_20,
  CAST(prod_code_30 AS VARCHAR) AS prod_code_30,
  CAST(prod_code_40 AS VARCHAR) AS prod_code_40,
  CAST(cust_code AS VARCHAR) AS cust_code,
  CAST(seg_1 AS VARCHAR) AS seg_1,
  CAST(seg_2 AS VARCHAR) AS seg_2,
  CAST(basket_id AS VARCHAR) AS basket_id,
  CAST(basket_size AS VARCHAR) AS basket_size,
  CAST(basket_price_sensitivity AS VARCHAR) AS basket_price_sensitivity,
  CAST(basket_type AS VARCHAR) AS basket_type,
  CAST(basket_dominant_mission AS VARCHAR) AS basket_dominant_mission,
  CAST(store_code AS VARCHAR) AS store_code,
  CAST(store_format AS VARCHAR) AS store_format,
  CAST(store_region AS VARCHAR) AS store_region,
  CAST(source AS VARCHAR) AS source
FROM silver_lines;

CREATE OR REPLACE VIEW gold AS
SELECT
  CAST(shop_date AS DATE) AS shop_date,
  CAST(shop_hour AS INTEGER) AS shop_hour,
  CAST(customer AS VARCHAR) AS customer,
  CAST(seg_1 AS VARCHAR) AS seg_1,
  CAST(seg_2 AS VARCHAR) AS seg_2,
  CAST(basket_id AS VARCHAR) AS basket_id,
  CAST(type AS VARCHAR) AS type,
  CAST(mission AS VARCHAR) AS mission,
  CAST(store_code AS VARCHAR) AS store_code,
  CAST(store_format AS VARCHAR) AS store_format,
  CAST(store_region AS VARCHAR) AS store_region,
  CAST(label AS VARCHAR) AS label,
  CAST(shop_week AS INTEGER) AS shop_week,
  CAST(complete AS BOOLEAN) AS complete,
  CAST(lines AS ARRAY(ROW(quantity INTEGER, spend_gbp DECIMAL(9, 2), prod_code VARCHAR, prod_code_10 VARCHAR, prod_code_20 VARCHAR, prod_code_30 VARCHAR, prod_code_40 VARCHAR))) AS lines
FROM gold_baskets;

CREATE OR REPLACE VIEW customers AS
SELECT
  CAST(customer AS VARCHAR) AS customer,
  CAST(shop_week AS INTEGER) AS shop_week,
  CAST(baskets AS INTEGER) AS baskets,
  CAST(spend_gbp AS DECIMAL(12, 2)) AS spend_gbp,
  CAST(baskets_la AS INTEGER) AS baskets_la,
  CAST(baskets_mm AS INTEGER) AS baskets_mm,
  CAST(baskets_um AS INTEGER) AS baskets_um,
  CAST(baskets_xx AS INTEGER) AS baskets_xx,
  CAST(seg_1 AS VARCHAR) AS seg_1,
  CAST(seg_2 AS VARCHAR) AS seg_2
FROM gold_customers;

CREATE OR REPLACE VIEW quarantine AS
SELECT
  CAST(source AS VARCHAR) AS source,
  CAST(file AS VARCHAR) AS file,
  CAST(row_number AS BIGINT) AS row_number,
  CAST(text AS VARCHAR) AS text,
  CAST(reasons AS ARRAY(VARCHAR)) AS reasons,
  CAST(basket_id AS VARCHAR) AS basket_id,
  CAST(shop_week_text AS VARCHAR) AS shop_week_text,
  CAST(shop_week AS INTEGER) AS shop_week,
  CAST(arrival AS TIMESTAMP) AS arrival
FROM quarantine_lines;
