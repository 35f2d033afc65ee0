# Tables and saved statements are read out of docs/athena.sql, which is made from the data contract: no column is written
# down here.
locals {
  statements = [for text in regexall("(?m)^CREATE [^;]*", var.ddl) : trimspace(replace(text, "s3://BUCKET/lake", var.lake_uri))]
  tables = {
    for text in local.statements : regex("^CREATE EXTERNAL TABLE (\\w+)", text)[0] => {
      location = regex("LOCATION '([^']+)'", text)[0]
      delta    = strcontains(text, "'table_type' = 'DELTA'")
      columns  = [for column in regexall("^CREATE EXTERNAL TABLE \\w+ \\((\\w+) (\\w+)\\)", text) : { name = column[0], type = lower(column[1]) }]
    } if startswith(text, "CREATE EXTERNAL TABLE")
  }
  views = {
    for index, text in local.statements : format("%02d-view-%s", index, regex("^CREATE OR REPLACE VIEW (\\w+)", text)[0]) => text
    if startswith(text, "CREATE OR REPLACE VIEW")
  }
}

resource "aws_glue_catalog_database" "this" {
  name        = replace(var.name, "-", "_")
  description = "Tables and views of the lake; Athena reads the newest version of each table"
}

resource "aws_glue_catalog_table" "this" {
  for_each = local.tables

  database_name = aws_glue_catalog_database.this.name
  name          = each.key
  table_type    = "EXTERNAL_TABLE"
  parameters    = each.value.delta ? { EXTERNAL = "TRUE", table_type = "DELTA", "spark.sql.sources.provider" = "delta" } : { EXTERNAL = "TRUE" }

  storage_descriptor {
    location      = each.value.location
    input_format  = each.value.delta ? null : "org.apache.hadoop.mapred.TextInputFormat"
    output_format = each.value.delta ? null : "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"

    dynamic "columns" {
      for_each = each.value.columns

      content {
        name = columns.value.name
        type = columns.value.type
      }
    }

    dynamic "ser_de_info" {
      for_each = each.value.delta ? [] : [1]

      content {
        serialization_library = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
        # A field separator that no till file holds leaves the line in one piece.
        parameters = { "field.delim" = "\u0001" }
      }
    }
  }

  lifecycle {
    # Athena takes the columns of a Delta table from its log, and writes them here.
    ignore_changes = [parameters, storage_descriptor[0].columns]
  }
}

resource "aws_athena_workgroup" "this" {
  name          = var.name
  description   = "Questions to the lake, with a limit on what one of them may read"
  force_destroy = true

  configuration {
    enforce_workgroup_configuration    = true
    publish_cloudwatch_metrics_enabled = true
    bytes_scanned_cutoff_per_query     = var.scan_limit_gb * 1000000000

    # Delta tables need version 3: https://docs.aws.amazon.com/athena/latest/ug/delta-lake-tables.html
    engine_version {
      selected_engine_version = "Athena engine version 3"
    }

    result_configuration {
      output_location = "${var.results_uri}/"

      encryption_configuration {
        encryption_option = "SSE_KMS"
        kms_key_arn       = var.data_key_arn
      }
    }
  }
}

resource "aws_athena_named_query" "view" {
  for_each = var.saved_queries ? local.views : {}

  name        = each.key
  description = "Run once the first till files are in: the view has the name and columns that `retail-forecast sql` knows"
  workgroup   = aws_athena_workgroup.this.id
  database    = aws_glue_catalog_database.this.name
  query       = each.value
}
